/** HTTP as registries need it: connections kept open, redirects that drop credentials, errors in docker's words. */
import type http from 'node:http';
import { Readable } from 'node:stream';
import fetch, { type RequestInit, type Response } from 'node-fetch';
import { isStackError, messageOf, StackError } from '#spec/errors';
import { createAgent, type ConnectionSettings } from './connection.ts';
import { AuthenticationRequired, connectionError, TemporaryFailure } from './http-error.ts';
import { registryErrorOf } from './registry-error.ts';

/** A connection on which nothing comes for this long is given up. */
const idleTimeoutMs = 60_000;

export interface RequestOptions {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  headers?: Readonly<Record<string, string>>;
  body?: RequestBody;
  signal?: AbortSignal;
  connection?: ConnectionSettings;
}

/** What is sent: asked for anew whenever the request has to be made again. */
export interface RequestBody {
  sizeBytes: number;
  read(): AsyncIterable<Uint8Array>;
}

const defaultConnection: ConnectionSettings = { verifyTls: true };

/** A successful answer. */
export interface HttpResponse {
  status: number;
  /** Where it came from, after redirects. */
  url: string;
  header(name: string): string | undefined;
  /** The whole body. Throws resource_exhausted beyond `limitBytes`. */
  body(limitBytes: number): Promise<Buffer>;
  /** The body as it comes; a broken connection throws unavailable. */
  stream(): AsyncGenerator<Buffer>;
}

export class HttpClient {
  readonly #userAgent: string;
  readonly #agents = new Map<ConnectionSettings, Map<string, http.Agent>>();

  constructor(userAgent: string) {
    this.#userAgent = userAgent;
  }

  /** Redirects are followed, except with a body. Throws what {@link StackError} says for everything but 2xx. */
  async request(
    url: string,
    { method = 'GET', headers = {}, body, signal, connection }: RequestOptions = {},
  ): Promise<HttpResponse> {
    const init = {
      method,
      headers: { ...headers, ...(body && { 'content-length': String(body.sizeBytes) }) },
      ...(body && { body: Readable.from(body.read(), { objectMode: false }) }),
    };
    return this.#fetch(url, init, connection ?? defaultConnection, signal);
  }

  postForm(
    url: string,
    form: Readonly<Record<string, string>>,
    { signal, connection = defaultConnection }: Pick<RequestOptions, 'signal' | 'connection'> = {},
  ): Promise<HttpResponse> {
    const body = new URLSearchParams(form);
    return this.#fetch(url, { method: 'POST', body }, connection, signal);
  }

  /** Closes idle connections. */
  close(): void {
    for (const agents of this.#agents.values()) {
      for (const agent of agents.values()) agent.destroy();
    }
  }

  async #fetch(
    url: string,
    init: RequestInit,
    connection: ConnectionSettings,
    userSignal?: AbortSignal,
  ): Promise<HttpResponse> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(new Error('timeout')), idleTimeoutMs);
    const body = init.body instanceof Readable ? init.body : undefined;
    body?.on('data', () => timer.refresh()); // a large one takes as long as it moves
    const signal = userSignal ? AbortSignal.any([userSignal, abort.signal]) : abort.signal;
    let response: Response;
    try {
      response = await fetch(url, {
        ...init,
        headers: { ...(init.headers as Record<string, string>), 'user-agent': this.#userAgent },
        signal,
        compress: false, // digests are of the bytes as they are stored
        // A redirect may change the protocol; node-fetch drops credentials when the host changes.
        agent: ({ protocol }) => this.#agent(protocol, connection),
      });
    } catch (error) {
      userSignal?.throwIfAborted();
      if (body?.errored && isStackError(body.errored)) throw body.errored; // of whoever provides it
      throw connectionError(init.method ?? 'GET', url, error, abort.signal.aborted);
    } finally {
      clearTimeout(timer);
      body?.destroy();
    }
    if (!response.ok) throw await failureOf(response);
    return {
      status: response.status,
      url: response.url,
      header: (name) => response.headers.get(name) ?? undefined,
      body: (limitBytes) => bodyOf(response, limitBytes),
      stream: () => streamOf(response, userSignal, abort),
    };
  }

  #agent(protocol: string, connection: ConnectionSettings): http.Agent {
    const agents = this.#agents.get(connection) ?? new Map<string, http.Agent>();
    this.#agents.set(connection, agents);
    const agent = agents.get(protocol) ?? createAgent(protocol, connection);
    agents.set(protocol, agent);
    return agent;
  }
}

async function bodyOf(response: Response, limitBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of streamOf(response)) {
    parts.push(part);
    size += part.length;
    if (size > limitBytes) {
      throw new StackError(
        'resource_exhausted',
        `${response.url} answers with more than ${limitBytes} bytes`,
      );
    }
  }
  return Buffer.concat(parts);
}

async function* streamOf(
  response: Response,
  signal?: AbortSignal,
  abort = new AbortController(),
): AsyncGenerator<Buffer> {
  if (!response.body) return;
  const timer = setTimeout(() => abort.abort(new Error('timeout')), idleTimeoutMs);
  try {
    for await (const chunk of response.body) {
      timer.refresh();
      yield chunk as Buffer; // a response body without a decoder yields buffers
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw new TemporaryFailure(
      'unavailable',
      `reading ${response.url}: ${messageOf(error)}`,
      undefined,
      {
        cause: error,
      },
    );
  } finally {
    clearTimeout(timer);
  }
}

async function failureOf(response: Response): Promise<StackError> {
  const text = (await bodyOf(response, 64 << 10).catch(() => Buffer.alloc(0))).toString('utf8');
  const error = registryErrorOf(response.status, text, response.url);
  const challenge = response.headers.get('www-authenticate');
  if (response.status === 401 && challenge !== null)
    return new AuthenticationRequired(error, challenge);
  if (response.status !== 429 && response.status < 500) return error;
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfterMs = Number.isNaN(seconds) ? undefined : seconds * 1000;
  return new TemporaryFailure(error.kind, error.message, retryAfterMs, { cause: error });
}
