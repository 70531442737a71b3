/** Requests about one repository: to the endpoints in turn, with the authorization that each wants. */
import { isStackError, StackError } from '#spec/errors';
import type { ImageReference } from '#spec/reference';
import { Authenticator } from './authenticate.ts';
import type { CredentialSource } from './credentials.ts';
import type { Capability, Endpoint } from './endpoint.ts';
import type { HttpClient, HttpResponse, RequestOptions } from './http-client.ts';
import { AuthenticationRequired, TemporaryFailure } from './http-error.ts';
import { RegistryError } from './registry-error.ts';

export interface SessionOptions {
  http: HttpClient;
  endpoints: readonly Endpoint[];
  reference: ImageReference;
  credentials?: CredentialSource;
  signal?: AbortSignal;
}

export interface SessionRequest extends Pick<RequestOptions, 'method' | 'headers' | 'body'> {
  /** What an endpoint must be trusted to do to be asked. */
  capability: Capability;
  /** Repositories that must be readable too, in other words the sources of a mount. */
  alsoReads?: readonly string[];
}

/** An answer, and who gave it: an upload goes on where it began. */
export interface SessionResponse extends HttpResponse {
  endpoint: Endpoint;
}

export class RepositorySession {
  readonly reference: ImageReference;
  readonly signal: AbortSignal | undefined;
  readonly #http: HttpClient;
  readonly #credentials: CredentialSource | undefined;
  readonly #authenticators = new Map<string, Authenticator>();
  #endpoints: readonly Endpoint[];

  constructor({ http, endpoints, reference, credentials, signal }: SessionOptions) {
    this.#http = http;
    this.#endpoints = endpoints;
    this.reference = reference;
    this.#credentials = credentials;
    this.signal = signal;
  }

  /**
   * Asks the endpoints in turn for `path` below the repository; of the registry's own, the first that can be reached is
   * kept. Throws unavailable if none may be asked.
   */
  async request(path: string, request: SessionRequest): Promise<SessionResponse> {
    let failure: unknown = new StackError(
      'unavailable',
      `no host for ${this.reference.domain} may be asked to ${request.capability}`,
    );
    const inVain: Endpoint[] = [];
    for (const endpoint of this.#endpoints) {
      if (!endpoint.capabilities.includes(request.capability)) continue;
      try {
        const url = `${endpoint.url}/${this.reference.path}/${path}`;
        const response = await this.requestFrom(endpoint, url, request);
        // Of mirrors the next may know what this one does not, so they stay.
        this.#endpoints = this.#endpoints.filter((other) => !inVain.includes(other));
        return response;
      } catch (error) {
        failure = error;
        this.signal?.throwIfAborted();
        if (isAnswer(error) && !endpoint.mirror) throw error;
        if (!endpoint.mirror) inVain.push(endpoint);
      }
    }
    throw failure;
  }

  /** Asks one endpoint for a URL that it has named itself; another host is shown no credentials. */
  async requestFrom(
    endpoint: Endpoint,
    url: string,
    { method = 'GET', headers, body, capability, alsoReads = [] }: SessionRequest,
  ): Promise<SessionResponse> {
    const isOwn = new URL(url).origin === new URL(endpoint.url).origin;
    const options: RequestOptions = {
      method,
      connection: endpoint.connection,
      ...(body && { body }),
      ...(this.signal && { signal: this.signal }),
    };
    const ask = async (authorization: string | undefined): Promise<SessionResponse> => {
      const all = {
        ...(isOwn && endpoint.headers),
        ...headers,
        ...(authorization !== undefined && { authorization }),
      };
      const target = isOwn ? this.#addressed(url, endpoint) : url;
      return { ...(await this.#http.request(target, { ...options, headers: all })), endpoint };
    };
    if (!isOwn) return ask(undefined);
    const scope = scopeOf(this.reference.path, capability, alsoReads);
    const authenticator = this.#authenticator(endpoint);
    try {
      return await ask(authenticator.known(scope));
    } catch (error) {
      if (!(error instanceof AuthenticationRequired)) throw error;
      authenticator.forget(scope);
      return ask(await authenticator.answer(error.challenge, scope, this.signal));
    }
  }

  /** Mirrors of several registries are told which one is meant. */
  #addressed(url: string, { standsFor }: Endpoint): string {
    if (standsFor === undefined) return url;
    const addressed = new URL(url);
    addressed.searchParams.set('ns', standsFor);
    return addressed.href;
  }

  #authenticator({ url, mirror, connection }: Endpoint): Authenticator {
    const known = this.#authenticators.get(url);
    if (known) return known;
    // Whoever gives credentials by host decides for mirrors too; others are meant for the registry.
    const isForAll = typeof this.#credentials === 'function';
    const credentials = mirror && !isForAll ? {} : this.#credentials;
    const created = new Authenticator(this.#http, connection, credentials, new URL(url).host);
    this.#authenticators.set(url, created);
    return created;
  }
}

/** Distribution "Token Scope": what a token is asked for. */
function scopeOf(path: string, capability: Capability, alsoReads: readonly string[]): string {
  const actions = capability === 'push' ? 'pull,push' : 'pull';
  const scopes = alsoReads.map((other) => `repository:${other}:pull`);
  return [`repository:${path}:${actions}`, ...scopes].join(' ');
}

/** Whether a registry has spoken, in contrast to a connection that could not be made. */
function isAnswer(error: unknown): boolean {
  if (error instanceof RegistryError || isStackError(error, 'unauthenticated')) return true;
  return error instanceof TemporaryFailure && error.cause instanceof RegistryError;
}
