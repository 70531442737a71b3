/** HTTP as registries need it: connections kept open, redirects that drop credentials, errors in docker's words. */
import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import fetch, { FetchError, type RequestInit, type Response } from 'node-fetch';
import { errorCode, messageOf, StackError, type ErrorKind } from '#spec/errors';
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

/** Answered with 401: what the registry wants to see. */
export class AuthenticationRequired extends StackError {
  override readonly name = 'AuthenticationRequired';
  readonly challenge: string;

  constructor(cause: StackError, challenge: string) {
    super(cause.kind, cause.message, { cause });
    this.challenge = challenge;
  }
}

/** `429` and `5xx`: asking again later may help. */
export class TemporaryFailure extends StackError {
  override readonly name = 'TemporaryFailure';
  /** What the server asked for; undefined leaves it to the client. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: ErrorKind, message: string, retryAfterMs?: number, options?: ErrorOptions) {
    super(kind, message, options);
    this.retryAfterMs = retryAfterMs;
  }
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

/** Connections that fail, in the words that Go's client has for it. */
function connectionError(
  method: string,
  url: string,
  error: unknown,
  timedOut: boolean,
): StackError {
  const { host, hostname, port, protocol } = new URL(url);
  const address = port === '' ? `${hostname}:${protocol === 'https:' ? 443 : 80}` : host;
  const verb = `${method.charAt(0)}${method.slice(1).toLowerCase()} "${url}"`;
  const code = error instanceof FetchError ? error.code : errorCode(error);
  const options = { cause: error };
  switch (timedOut ? 'ETIMEDOUT' : code) {
    case 'ECONNREFUSED':
      return new StackError(
        'unavailable',
        `${verb}: dial tcp ${address}: connect: connection refused`,
        options,
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StackError(
        'unavailable',
        `${verb}: dial tcp: lookup ${hostname}: no such host`,
        options,
      );
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return new StackError(
        'unavailable',
        `${verb}: dial tcp ${address}: connect: no route to host`,
        options,
      );
    case 'ETIMEDOUT':
      return new TemporaryFailure(
        'unavailable',
        `${verb}: dial tcp ${address}: i/o timeout`,
        undefined,
        options,
      );
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return new StackError(
        'unavailable',
        `${verb}: http: server gave HTTP response to HTTPS client`,
        options,
      );
    case 'ECONNRESET':
    case 'EPIPE':
      return new TemporaryFailure('unavailable', `${verb}: EOF`, undefined, options);
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return new StackError(
        'unavailable',
        `${verb}: x509: certificate signed by unknown authority`,
        options,
      );
    default:
      return new StackError('unavailable', `${verb}: ${messageOf(error)}`, options);
  }
}
