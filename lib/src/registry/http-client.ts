/** HTTP as registries need it: connections kept open, redirects that drop credentials, errors in docker's words. */
import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import fetch, { type RequestInit, type Response } from 'node-fetch';
import { messageOf, StackError } from '#spec/errors';
import { AuthenticationRequired, connectionError, TemporaryFailure } from './http-error.ts';
import { registryErrorOf } from './registry-error.ts';

/** A connection on which nothing comes for this long is given up. */
const idleTimeoutMs = 60_000;

export interface RequestOptions {
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
  verifyTls?: boolean;
}

/** A successful answer. */
export interface HttpResponse {
  status: number;
  header(name: string): string | undefined;
  /** The whole body. Throws resource_exhausted beyond `limitBytes`. */
  body(limitBytes: number): Promise<Buffer>;
  /** The body as it comes; a broken connection throws unavailable. */
  stream(): AsyncGenerator<Buffer>;
}

export class HttpClient {
  readonly #userAgent: string;
  readonly #agents = new Map<string, http.Agent>();

  constructor(userAgent: string) {
    this.#userAgent = userAgent;
  }

  /** GET, redirects followed. Throws what {@link StackError} says for everything but 2xx. */
  get(
    url: string,
    { headers = {}, signal, verifyTls = true }: RequestOptions = {},
  ): Promise<HttpResponse> {
    return this.#request(url, { headers }, verifyTls, signal);
  }

  postForm(
    url: string,
    form: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<HttpResponse> {
    const body = new URLSearchParams(form);
    return this.#request(url, { method: 'POST', body }, true, signal);
  }

  /** Closes idle connections. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  async #request(
    url: string,
    init: RequestInit,
    verifyTls: boolean,
    userSignal?: AbortSignal,
  ): Promise<HttpResponse> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(new Error('timeout')), idleTimeoutMs);
    const signal = userSignal ? AbortSignal.any([userSignal, abort.signal]) : abort.signal;
    let response: Response;
    try {
      response = await fetch(url, {
        ...init,
        headers: { ...(init.headers as Record<string, string>), 'user-agent': this.#userAgent },
        signal,
        compress: false, // digests are of the bytes as they are stored
        // A redirect may change the protocol; node-fetch drops credentials when the host changes.
        agent: ({ protocol }) => this.#agent(protocol, verifyTls),
      });
    } catch (error) {
      userSignal?.throwIfAborted();
      throw connectionError(init.method ?? 'GET', url, error, abort.signal.aborted);
    } finally {
      clearTimeout(timer);
    }
    if (!response.ok) throw await failureOf(response);
    return {
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      body: (limitBytes) => bodyOf(response, limitBytes),
      stream: () => streamOf(response, userSignal, abort),
    };
  }

  #agent(protocol: string, verifyTls: boolean): http.Agent {
    const key = `${protocol} ${verifyTls}`;
    const known = this.#agents.get(key);
    if (known) return known;
    const created = createAgent(protocol, verifyTls);
    this.#agents.set(key, created);
    return created;
  }
}

/** Loopback is never asked through a proxy, whatever the environment says (Go's clients do the same). */
const neverProxied = 'localhost,127.0.0.0-127.255.255.255,::1';

function createAgent(protocol: string, verifyTls: boolean): http.Agent {
  const excluded = process.env['NO_PROXY'] ?? process.env['no_proxy'];
  const proxyEnv = {
    ...process.env,
    NO_PROXY: excluded === undefined ? neverProxied : `${excluded},${neverProxied}`,
    no_proxy: undefined,
  };
  const options = { keepAlive: true, proxyEnv };
  if (protocol !== 'https:') return new http.Agent(options);
  if (!verifyTls) return new https.Agent({ ...options, rejectUnauthorized: false });
  // Node's own list of authorities, and those that the machine's administrator trusts.
  const stores = ['default', 'system'] as const;
  const ca = [...new Set(stores.flatMap((store) => tls.getCACertificates(store)))];
  return new https.Agent({ ...options, ca });
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
