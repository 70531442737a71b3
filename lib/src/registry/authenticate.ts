/**
 * Answers a registry's challenge (RFC 9110 `WWW-Authenticate`, distribution "Token Authentication"):
 *
 *     client            registry             token server
 *       | GET /v2/…  ----->|                      |
 *       |<- 401 Bearer realm, service, scope      |
 *       | GET realm?service&scope (Basic) ------->|
 *       |<------------------------------- token   |
 *       | GET /v2/… (Bearer token) ->|
 */
import { StackError } from '#spec/errors';
import type { ConnectionSettings } from './connection.ts';
import type { CredentialSource, RegistryCredentials } from './credentials.ts';
import type { HttpClient } from './http-client.ts';

export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  scheme: string;
  parameters: Readonly<Record<string, string>>;
}

/** The challenges of a `WWW-Authenticate` header. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  const token = /([A-Za-z][\w-]*)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?[\s,]*/gy;
  let parameters: Record<string, string> = {};
  for (const [, name = '', quoted, plain] of header.matchAll(token)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    if (value === undefined) {
      parameters = {};
      challenges.push({ scheme: name.toLowerCase(), parameters });
    } else parameters[name.toLowerCase()] = value;
  }
  return challenges;
}

interface Token {
  value: string;
  expiresAtMs: number;
}

/** Gets and keeps the `Authorization` headers for one user of one registry. */
export class Authenticator {
  readonly #http: HttpClient;
  readonly #connection: ConnectionSettings;
  readonly #ask: () => Promise<RegistryCredentials>;
  readonly #tokens = new Map<string, Token>();
  #identityToken: string | undefined;

  /**
   * `credentials` are asked for at a challenge, with the name of the host that challenges. Token servers are trusted as
   * the registry itself is, by its `connection`.
   */
  constructor(
    http: HttpClient,
    connection: ConnectionSettings,
    credentials: CredentialSource = {},
    host = '',
  ) {
    this.#http = http;
    this.#connection = connection;
    this.#ask = async () => (typeof credentials === 'function' ? credentials(host) : credentials);
  }

  /** What the token server gave in place of the password; undefined if it gave nothing. */
  get identityToken(): string | undefined {
    return this.#identityToken;
  }

  /** What to send without having been asked: a token that an earlier challenge brought. */
  known(scope: string): string | undefined {
    const token = this.#tokens.get(scope);
    return token && token.expiresAtMs > Date.now() ? token.value : undefined;
  }

  forget(scope: string): void {
    this.#tokens.delete(scope);
  }

  /**
   * The `Authorization` header that answers `header`, the challenge for `scope`. Throws unauthenticated if there is none,
   * and what the token server says when it refuses. `offline` asks for an identity token as well.
   */
  async answer(
    header: string,
    scope: string,
    signal?: AbortSignal,
    offline = false,
  ): Promise<string> {
    const challenges = parseChallenges(header);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    const credentials = await this.#ask();
    const { registryToken } = credentials;
    if (bearer && registryToken !== undefined)
      return this.#keep(scope, `Bearer ${registryToken}`, 60);
    if (bearer) return this.#fetchToken(bearer, scope, credentials, offline, signal);
    if (challenges.some(({ scheme }) => scheme === 'basic')) {
      const basic = basicHeader(credentials);
      if (basic === undefined) throw new StackError('unauthenticated', 'no basic auth credentials');
      return this.#keep(scope, basic, 3600);
    }
    throw new StackError('unauthenticated', `cannot answer the challenge "${header}"`);
  }

  async #fetchToken(
    challenge: Challenge,
    scope: string,
    credentials: RegistryCredentials,
    offline: boolean,
    signal?: AbortSignal,
  ): Promise<string> {
    const { realm = '', service = '' } = challenge.parameters;
    if (!URL.canParse(realm)) {
      throw new StackError('unauthenticated', `token server "${realm}" is not a URL`);
    }
    const { identityToken } = credentials;
    const options = { connection: this.#connection, ...(signal && { signal }) };
    const response =
      identityToken === undefined
        ? await this.#http.request(
            tokenUrl(realm, service, scope, offline ? credentials : undefined),
            {
              headers: authorization(basicHeader(credentials)),
              ...options,
            },
          )
        : await this.#http.postForm(
            realm,
            {
              grant_type: 'refresh_token',
              refresh_token: identityToken,
              service,
              scope,
              client_id: 'engine',
            },
            options,
          );
    const body: unknown = JSON.parse((await response.body(1 << 20)).toString('utf8'));
    const {
      token,
      access_token: accessToken,
      expires_in: expiresIn,
      refresh_token: refreshToken,
    } = body as TokenResponse; // checked below
    if (typeof refreshToken === 'string' && refreshToken !== '') this.#identityToken = refreshToken;
    const value = token ?? accessToken;
    if (typeof value !== 'string' || value === '') {
      throw new StackError('unauthenticated', `token server ${realm} did not return a token`);
    }
    // 60 seconds is the shortest life that the protocol allows, and the default.
    const seconds = typeof expiresIn === 'number' && expiresIn > 60 ? expiresIn : 60;
    return this.#keep(scope, `Bearer ${value}`, seconds - 10);
  }

  #keep(scope: string, value: string, seconds: number): string {
    this.#tokens.set(scope, { value, expiresAtMs: Date.now() + seconds * 1000 });
    return value;
  }
}

interface TokenResponse {
  token?: unknown;
  access_token?: unknown;
  expires_in?: unknown;
  refresh_token?: unknown;
}

/** With `offlineFor` a refresh token is asked for too (distribution, "Requesting a Token"). */
function tokenUrl(
  realm: string,
  service: string,
  scope: string,
  offlineFor: RegistryCredentials | undefined,
): string {
  const url = new URL(realm);
  if (service !== '') url.searchParams.set('service', service);
  for (const one of scope.split(' ').filter(Boolean)) url.searchParams.append('scope', one);
  if (offlineFor) {
    url.searchParams.set('offline_token', 'true');
    url.searchParams.set('client_id', 'engine');
    if (offlineFor.username !== undefined) url.searchParams.set('account', offlineFor.username);
  }
  return url.href;
}

function basicHeader({ username, password }: RegistryCredentials): string | undefined {
  if (username === undefined) return undefined;
  return `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`;
}

function authorization(value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { authorization: value };
}
