/** Whether a registry takes credentials: what `docker login` asks. */
import { isStackError, StackError } from '#spec/errors';
import { Authenticator } from './authenticate.ts';
import type { RegistryCredentials } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import type { HttpClient } from './http-client.ts';
import { AuthenticationRequired } from './http-error.ts';

export interface LoggedIn {
  /** OAuth2 refresh token, which stands for the password from now on; undefined where the registry gives none. */
  identityToken: string | undefined;
}

/**
 * Asks the endpoints in turn, none of them a mirror. Throws unauthenticated for credentials that are refused, after which
 * no other endpoint sees them, and what the last one says that cannot be reached.
 */
export async function login(
  http: HttpClient,
  endpoints: readonly Endpoint[],
  credentials: RegistryCredentials,
  signal?: AbortSignal,
): Promise<LoggedIn> {
  let failure: unknown = new StackError('unavailable', 'no host may be asked to log in');
  for (const endpoint of endpoints.filter(({ mirror }) => !mirror)) {
    try {
      return await loginAt(http, endpoint, credentials, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (isStackError(error, 'unauthenticated')) throw error;
      failure = error;
    }
  }
  throw failure;
}

async function loginAt(
  http: HttpClient,
  { url: base, connection, headers }: Endpoint,
  credentials: RegistryCredentials,
  signal?: AbortSignal,
): Promise<LoggedIn> {
  const url = `${base}/`;
  const options = { connection, ...(signal && { signal }) };
  try {
    await http.request(url, { ...options, headers });
    return { identityToken: undefined }; // it wants to see none
  } catch (error) {
    if (!(error instanceof AuthenticationRequired)) throw error;
    const authenticator = new Authenticator(http, connection, credentials, new URL(url).host);
    const authorization = await authenticator
      .answer(error.challenge, '', signal, true)
      .catch((refusal: unknown) => {
        if (!isStackError(refusal)) throw refusal;
        throw new StackError(refusal.kind, `Get "${url}": ${refusal.message}`, { cause: refusal });
      });
    await http
      .request(url, { ...options, headers: { ...headers, authorization } })
      .catch((refusal: unknown) => {
        if (!isStackError(refusal, 'unauthenticated')) throw refusal;
        throw new StackError(
          'unauthenticated',
          `login attempt to ${url} failed with status: 401 Unauthorized`,
          { cause: refusal },
        );
      });
    return { identityToken: authenticator.identityToken };
  }
}
