/** A client of the distribution API (OCI distribution specification 1.1, Docker Registry HTTP API V2): what a pull needs. */
import { digestOf, Digester, parseDigest, algorithmOf, type Digest } from '#spec/digest';
import { isStackError, StackError } from '#spec/errors';
import type { Descriptor } from '#spec/oci/image';
import type { ImageReference } from '#spec/reference';
import { Authenticator } from './authenticate.ts';
import type { CredentialSource } from './credentials.ts';
import { endpointsOf, type Endpoint, type RegistrySettings } from './endpoints.ts';
import { HttpClient, type HttpResponse } from './http-client.ts';
import { AuthenticationRequired, TemporaryFailure } from './http-error.ts';
import { explained, manifestTypeOf, manifestTypes } from './manifest.ts';
import { RegistryError } from './registry-error.ts';
import { defaultRetryPolicy, waitToRetry, withRetries, type RetryPolicy } from './retry.ts';

export interface RegistryClientOptions extends RegistrySettings {
  userAgent?: string;
  retries?: RetryPolicy;
}

export interface AccessOptions {
  credentials?: CredentialSource;
  signal?: AbortSignal;
}

/** A document that a registry has under a tag or digest, verified. */
export interface FetchedDocument {
  descriptor: Descriptor & { digest: Digest };
  content: Buffer;
}

/** Documents beyond this are refused: a manifest that size is an attack (docker has the same limit). */
const largestDocument = 4 << 20;

export class RegistryClient {
  readonly #settings: RegistrySettings;
  readonly #retries: RetryPolicy;
  readonly #http: HttpClient;

  constructor({
    userAgent = 'engine',
    retries = defaultRetryPolicy,
    ...settings
  }: RegistryClientOptions = {}) {
    this.#settings = settings;
    this.#retries = retries;
    this.#http = new HttpClient(userAgent);
  }

  /**
   * A session with the repository of `reference`: it remembers which endpoint answered and the tokens it got.
   * Use one for all requests of a pull.
   */
  repository(reference: ImageReference, access: AccessOptions = {}): RemoteRepository {
    const endpoints = endpointsOf(reference.domain, this.#settings);
    return new RemoteRepository(this.#http, endpoints, reference, access, this.#retries);
  }

  /** Closes idle connections. */
  close(): void {
    this.#http.close();
  }
}

/** One repository of a registry, as one user sees it. */
export class RemoteRepository {
  readonly #http: HttpClient;
  readonly #reference: ImageReference;
  readonly #signal: AbortSignal | undefined;
  readonly #retries: RetryPolicy;
  readonly #authenticators = new Map<string, Authenticator>();
  readonly #credentials: CredentialSource | undefined;
  #endpoints: readonly Endpoint[];

  constructor(
    http: HttpClient,
    endpoints: readonly Endpoint[],
    reference: ImageReference,
    { credentials, signal }: AccessOptions,
    retries: RetryPolicy,
  ) {
    this.#http = http;
    this.#endpoints = endpoints;
    this.#reference = reference;
    this.#credentials = credentials;
    this.#signal = signal;
    this.#retries = retries;
  }

  /** The manifest or index that the reference's digest or tag names. Errors are in docker's words. */
  async resolve(): Promise<FetchedDocument> {
    const { digest, tag = 'latest' } = this.#reference;
    try {
      return await this.manifest(digest ?? tag);
    } catch (error) {
      throw explained(error, this.#reference);
    }
  }

  /** A manifest or index by tag or digest. Throws data_loss if it is not what the digest says. */
  async manifest(tagOrDigest: string): Promise<FetchedDocument> {
    const accept = manifestTypes.join(', ');
    return withRetries(
      this.#retries,
      async () => {
        const response = await this.#get(`manifests/${tagOrDigest}`, { accept });
        const content = await response.body(largestDocument);
        const type = response.header('content-type')?.split(';')[0]?.trim() ?? '';
        const mediaType = manifestTypeOf(content, type);
        const digest = digestOf(content);
        if (tagOrDigest.includes(':')) verify(parseDigest(tagOrDigest), content);
        return { descriptor: { mediaType, digest, size: content.length }, content };
      },
      this.#signal,
    );
  }

  /** A small blob as a whole, such as an image's config. */
  async document(descriptor: Descriptor): Promise<Buffer> {
    if (descriptor.size > largestDocument) {
      throw new StackError(
        'resource_exhausted',
        `${descriptor.digest} has ${descriptor.size} bytes: too large`,
      );
    }
    const parts: Buffer[] = [];
    for await (const part of this.blob(descriptor)) parts.push(part);
    return Buffer.concat(parts);
  }

  /**
   * A blob from `offset` on. Broken connections are taken up again where they broke. A blob read from its start is
   * verified, unless the caller does that: throws data_loss, after the last byte, if it is not what its descriptor says.
   */
  async *blob(
    descriptor: Descriptor,
    offset = 0,
    { verify: verified = offset === 0 } = {},
  ): AsyncGenerator<Buffer> {
    const expected = parseDigest(descriptor.digest);
    const digester = verified ? new Digester(algorithmOf(expected)) : undefined;
    let position = offset;
    let attempt = 0;
    while (position < descriptor.size) {
      try {
        const response = await this.#openBlob(descriptor, position);
        for await (const bytes of response.stream()) {
          position += bytes.length;
          if (position > descriptor.size) throw wrongSize(descriptor, position);
          digester?.update(bytes);
          attempt = 0; // it makes progress
          yield bytes;
        }
        if (position < descriptor.size) {
          throw new TemporaryFailure('unavailable', `${descriptor.digest}: unexpected EOF`);
        }
      } catch (error) {
        await waitToRetry(this.#retries, ++attempt, error, this.#signal);
      }
    }
    const actual = digester?.digest();
    if (actual !== undefined && actual !== expected) throw wrongDigest(expected, actual);
  }

  async #openBlob(descriptor: Descriptor, position: number): Promise<HttpResponse> {
    const range = position > 0 ? { range: `bytes=${position}-` } : {};
    const response = await this.#get(`blobs/${descriptor.digest}`, range);
    if (position === 0 || response.status === 206) return response;
    return { ...response, stream: () => skip(response.stream(), position) }; // a server without ranges
  }

  /** Asks the endpoints in turn; the first that can be reached is kept. */
  async #get(path: string, headers: Readonly<Record<string, string>>): Promise<HttpResponse> {
    let failure: unknown;
    for (const [index, endpoint] of this.#endpoints.entries()) {
      try {
        const response = await this.#getFrom(endpoint, path, headers);
        if (!endpoint.mirror) this.#endpoints = this.#endpoints.slice(index);
        return response;
      } catch (error) {
        failure = error;
        this.#signal?.throwIfAborted();
        if (isAnswer(error) && !endpoint.mirror) throw error;
      }
    }
    throw failure;
  }

  async #getFrom(
    endpoint: Endpoint,
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<HttpResponse> {
    const { path: repository } = this.#reference;
    const url = `${endpoint.url}/v2/${repository}/${path}`;
    const scope = `repository:${repository}:pull`;
    const authenticator = this.#authenticator(endpoint);
    const options = {
      verifyTls: endpoint.verifyTls,
      ...(this.#signal && { signal: this.#signal }),
    };
    const ask = (authorization: string | undefined) =>
      this.#http.get(url, {
        ...options,
        headers: { ...headers, ...(authorization !== undefined && { authorization }) },
      });
    try {
      return await ask(authenticator.known(scope));
    } catch (error) {
      if (!(error instanceof AuthenticationRequired)) throw error;
      authenticator.forget(scope);
      return ask(await authenticator.answer(error.challenge, scope, this.#signal));
    }
  }

  #authenticator({ url, mirror }: Endpoint): Authenticator {
    const known = this.#authenticators.get(url);
    if (known) return known;
    const created = new Authenticator(
      this.#http,
      mirror ? {} : this.#credentials,
      new URL(url).host,
    );
    this.#authenticators.set(url, created);
    return created;
  }
}

/** Whether a registry has spoken, in contrast to a connection that could not be made. */
function isAnswer(error: unknown): boolean {
  if (error instanceof RegistryError || isStackError(error, 'unauthenticated')) return true;
  return error instanceof TemporaryFailure && error.cause instanceof RegistryError;
}

function verify(expected: Digest, content: Buffer): void {
  const digester = new Digester(algorithmOf(expected));
  digester.update(content);
  const actual = digester.digest();
  if (actual !== expected) throw wrongDigest(expected, actual);
}

function wrongDigest(expected: Digest, actual: Digest): StackError {
  return new StackError(
    'data_loss',
    `content has the wrong digest: expected ${expected}, got ${actual}`,
  );
}

function wrongSize({ digest, size }: Descriptor, atLeast: number): StackError {
  return new StackError(
    'data_loss',
    `${digest} has ${size} bytes, the registry sends at least ${atLeast}`,
  );
}

async function* skip(source: AsyncGenerator<Buffer>, count: number): AsyncGenerator<Buffer> {
  let left = count;
  for await (const bytes of source) {
    if (bytes.length > left) yield bytes.subarray(left);
    left = Math.max(0, left - bytes.length);
  }
}
