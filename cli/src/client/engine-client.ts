/** The Engine API over HTTP: JSON calls, streamed answers and hijacked connections. */
import type http from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { StackError, errorCode, isStackError, messageOf, type ErrorKind } from '#spec/errors';
import type { Endpoint } from './endpoint.ts';
import { addressOf, openTransport, type Transport } from './transport.ts';

/** The newest version of the API whose answers this client knows. */
export const newestApiVersion = '1.51';

export type QueryValue = string | number | boolean | undefined;

export interface RequestOptions {
  /** A list is given once for each value. */
  query?: Readonly<Record<string, QueryValue | readonly string[]>>;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it comes, in place of a body: an archive. */
  upload?: Readable;
  headers?: Readonly<Record<string, string>>;
}

/** A duplex connection after an upgrade: bytes in both directions, half-closable. */
export interface HijackedConnection {
  socket: Duplex;
  /** What arrived together with the answer's headers. */
  head: Buffer;
}

const kindByStatus: Readonly<Record<number, ErrorKind>> = {
  304: 'not_modified',
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  409: 'conflict',
  501: 'unimplemented',
  503: 'unavailable',
};

export class EngineClient {
  readonly endpoint: Endpoint;
  readonly #trace: ((line: string) => void) | undefined;
  readonly #headers: Readonly<Record<string, string>>;
  #transport: Promise<Transport> | undefined;
  #version: Promise<string> | undefined;

  /** `trace` is told of each call and its answer; `headers` go with every call. */
  constructor(
    endpoint: Endpoint,
    {
      trace,
      headers = {},
    }: {
      trace?: ((line: string) => void) | undefined;
      headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    this.endpoint = endpoint;
    this.#trace = trace;
    this.#headers = headers;
  }

  /** The API version that both sides know: `1.51` at most. */
  apiVersion(): Promise<string> {
    this.#version ??= this.#negotiate();
    return this.#version;
  }

  /** One call with a JSON answer (undefined when the body is empty). */
  async json<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const body = await readAll(await this.stream(method, path, options));
    // The daemon's answer is trusted to have the shape that the API documents.
    return (body.length === 0 ? undefined : JSON.parse(body.toString())) as T;
  }

  /** One call whose answer is read as it comes. */
  async stream(
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<http.IncomingMessage> {
    const versioned = `/v${await this.apiVersion()}${path}`;
    return this.#send(method, versioned, options);
  }

  /** JSON objects of a streamed answer, one by one. */
  async *jsonStream<T>(
    method: string,
    path: string,
    options: RequestOptions = {},
  ): AsyncGenerator<T> {
    for await (const line of this.lines(method, path, options)) yield JSON.parse(line) as T;
  }

  /** Lines of a streamed answer as they come, without those that are empty. */
  async *lines(method: string, path: string, options: RequestOptions = {}): AsyncGenerator<string> {
    let rest = '';
    const response = await this.stream(method, path, options);
    response.setEncoding('utf8');
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') yield line;
    }
    if (rest.trim() !== '') yield rest;
  }

  /** Upgrades a POST to a raw connection (attach, exec start). */
  async hijack(path: string, options: RequestOptions = {}): Promise<HijackedConnection> {
    const versioned = `/v${await this.apiVersion()}${path}`;
    const { request, payload } = await this.#request('POST', versioned, {
      ...options,
      headers: { ...options.headers, Connection: 'Upgrade', Upgrade: 'tcp' },
    });
    return new Promise((resolve, reject) => {
      request.once('upgrade', (response, socket, head) => {
        this.#trace?.(`POST ${versioned} ${response.statusCode ?? 0}`);
        resolve({ socket, head });
      });
      request.once('response', (response) => {
        readError(response, path).then(reject, reject);
      });
      request.once('error', (error) => {
        reject(this.#connectionError(error));
      });
      request.end(payload);
    });
  }

  /** Lets the process end: closes idle connections. */
  close(): void {
    this.#transport?.then(
      ({ agent }) => {
        agent.destroy();
      },
      () => undefined, // whoever made the call was told
    );
  }

  async #negotiate(): Promise<string> {
    const response = await this.#send('HEAD', '/_ping', {});
    response.resume();
    const offered = response.headers['api-version'];
    if (typeof offered !== 'string' || !/^1\.\d+$/.test(offered)) return '1.24';
    return minorOf(offered) < minorOf(newestApiVersion) ? offered : newestApiVersion;
  }

  async #request(
    method: string,
    path: string,
    { query = {}, body, upload, headers = {} }: RequestOptions,
  ): Promise<{ request: http.ClientRequest; payload: string | undefined }> {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (typeof value === 'object') for (const one of value) search.append(name, one);
      else if (value !== undefined) search.set(name, String(value));
    }
    this.#transport ??= openTransport(this.endpoint);
    const { agent, request } = await this.#transport;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const requestOptions: http.RequestOptions = {
      method,
      path: escapePath(path) + (search.size > 0 ? `?${search.toString()}` : ''),
      agent,
      ...addressOf(this.endpoint),
      headers: {
        Host: 'engine',
        'User-Agent': 'engine-cli',
        ...this.#headers,
        ...(payload !== undefined && {
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(payload),
        }),
        ...(upload && { 'Content-Type': 'application/x-tar' }),
        ...headers,
      },
    };
    return { request: request(requestOptions), payload };
  }

  async #send(
    method: string,
    path: string,
    options: RequestOptions,
  ): Promise<http.IncomingMessage> {
    const { request, payload } = await this.#request(method, path, options);
    return new Promise((resolve, reject) => {
      request.once('response', (response) => {
        const status = response.statusCode ?? 0;
        this.#trace?.(`${method} ${request.path} ${status}`);
        if (status >= 200 && status < 300) resolve(response);
        else readError(response, path).then(reject, reject);
      });
      const { upload } = options;
      request.once('error', (error) => {
        upload?.destroy();
        reject(this.#connectionError(error));
      });
      if (!upload) {
        request.end(payload);
        return;
      }
      upload.once('error', (error) => {
        request.destroy();
        reject(error);
      });
      upload.pipe(request);
    });
  }

  #connectionError(error: Error): Error {
    const code = errorCode(error);
    const { host } = this.endpoint;
    if (isStackError(error)) {
      return new StackError(error.kind, `error during connect: ${error.message}`, { cause: error });
    }
    if (code === 'ENOENT' || code === 'ECONNREFUSED') {
      return new StackError(
        'unavailable',
        `cannot connect to the engine daemon at ${host}: is engined running?`,
        { cause: error },
      );
    }
    if (code === 'EACCES' || code === 'EPERM') {
      return new StackError(
        'permission_denied',
        `permission denied while trying to connect to the engine daemon at ${host}`,
        { cause: error },
      );
    }
    return new StackError(
      'unavailable',
      `error during connect: the connection to the engine daemon at ${host} failed: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** Names of images keep their slashes; whatever else somebody typed stays in the path. */
function escapePath(path: string): string {
  return encodeURI(path).replace(/[?#]/g, encodeURIComponent);
}

async function readError(response: http.IncomingMessage, path: string): Promise<StackError> {
  const text = (await readAll(response)).toString();
  const status = response.statusCode ?? 0;
  let message = text.trim() || `${status} ${response.statusMessage ?? ''} for ${path}`;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed)
      message = String(parsed.message);
  } catch {
    // not JSON: the text itself is the message
  }
  return new StackError(
    kindByStatus[status] ?? 'internal',
    `Error response from daemon: ${message}`,
  );
}

async function readAll(response: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function minorOf(version: string): number {
  return Number(version.split('.')[1]);
}
