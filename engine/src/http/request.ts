/** One request as the routes see it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { StackError } from '#spec/errors';
import type { ApiVersion } from './api-version.ts';
import type { Query } from './query.ts';

/** Bodies that are read as a whole are descriptions of objects; docker's own clients send some kilobytes. */
const maximumJsonBytes = 8 * 1024 * 1024;

export interface ApiRequestParts {
  method: string;
  version: ApiVersion;
  query: Query;
  parameters: Readonly<Record<string, string>>;
  headers: IncomingHttpHeaders;
  /** The body's bytes. */
  body: Readable;
  /** Aborted when the client goes away before it was answered. */
  signal: AbortSignal;
}

export class ApiRequest {
  readonly method: string;
  readonly version: ApiVersion;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
  readonly signal: AbortSignal;
  readonly #parameters: Readonly<Record<string, string>>;

  constructor(parts: ApiRequestParts) {
    this.method = parts.method;
    this.version = parts.version;
    this.query = parts.query;
    this.headers = parts.headers;
    this.body = parts.body;
    this.signal = parts.signal;
    this.#parameters = parts.parameters;
  }

  /** A path variable. */
  parameter(name: string): string {
    const value = this.#parameters[name];
    if (value === undefined) throw new Error(`route has no variable "${name}"`);
    return value;
  }

  /** The body as JSON; undefined when it is empty. Throws invalid_argument for what is not JSON or too large. */
  async json(): Promise<unknown> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maximumJsonBytes) {
        throw new StackError(
          'invalid_argument',
          `request body is larger than ${maximumJsonBytes} bytes`,
        );
      }
      chunks.push(chunk);
    }
    if (size === 0) return undefined;
    const text = Buffer.concat(chunks).toString('utf8');
    if (text.trim() === '') return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw new StackError('invalid_argument', 'request body is not valid JSON', { cause: error });
    }
  }
}
