/** One answer as the routes give it: a JSON value, nothing, a stream, or the connection itself. */
import type { ServerResponse } from 'node:http';
import type { HijackedConnection } from './hijack.ts';
import { encodeJson } from './json.ts';

export interface ApiResponse {
  /** Answers with one JSON value. */
  json(status: number, value: unknown): void;
  /** Answers without a body (201, 204, 304). */
  empty(status: number): void;
  text(status: number, body: string): void;
  header(name: string, value: string): void;
  /** Sends the headers at once; the body follows through the returned stream, which the caller ends. */
  stream(status: number, contentType: string): ServerResponse;
  /** Takes the connection over (attach, exec). Works with and without an Upgrade header in the request. */
  hijack(contentType: string): HijackedConnection;
  /** Takes the connection over as a WebSocket. Throws invalid_argument for a request that does not ask for one. */
  webSocket(): Promise<HijackedConnection>;
}

/** What becomes of a connection that is taken over. */
export interface TakeOver {
  raw(contentType: string): HijackedConnection;
  webSocket(): Promise<HijackedConnection>;
}

/** {@link ApiResponse} over node:http. */
export class HttpApiResponse implements ApiResponse {
  readonly #response: ServerResponse;
  readonly #takeOver: TakeOver;

  constructor(response: ServerResponse, takeOver: TakeOver) {
    this.#response = response;
    this.#takeOver = takeOver;
  }

  json(status: number, value: unknown): void {
    const body = encodeJson(value);
    this.#response.writeHead(status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
    });
    this.#response.end(body);
  }

  empty(status: number): void {
    // 204 and 304 have no body by definition; anything else says that it is empty.
    this.#response.writeHead(
      status,
      status === 204 || status === 304 ? {} : { 'Content-Length': 0 },
    );
    this.#response.end();
  }

  text(status: number, body: string): void {
    this.#response.writeHead(status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    });
    this.#response.end(body);
  }

  header(name: string, value: string): void {
    this.#response.setHeader(name, value);
  }

  stream(status: number, contentType: string): ServerResponse {
    this.#response.writeHead(status, { 'Content-Type': contentType });
    this.#response.flushHeaders();
    return this.#response;
  }

  hijack(contentType: string): HijackedConnection {
    return this.#takeOver.raw(contentType);
  }

  webSocket(): Promise<HijackedConnection> {
    return this.#takeOver.webSocket();
  }
}

/** Resolves when a stream takes more, or nobody is there to read it. */
export function drainOrClose(body: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      body.off('drain', done).off('close', done);
      resolve();
    };
    body.on('drain', done).on('close', done);
  });
}
