/** One request as the routes see it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { StackError } from '#spec/errors';
import type { ApiVersion } from './api-version.ts';
import { readJsonBody } from './json-body.ts';
import type { Query } from './query.ts';

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
  json(): Promise<unknown> {
    return readJsonBody(this.body, this.headers);
  }

  /** {@link json} of a request that means nothing without a body. */
  async requiredJson(): Promise<unknown> {
    const value = await this.json();
    if (value !== undefined) return value;
    throw new StackError('invalid_argument', 'invalid JSON: got EOF while reading request body');
  }
}
