/** How a client shows a registry who it is, and the header in which the Docker API carries that. */

export interface RegistryCredentials {
  username?: string;
  password?: string;
  /** OAuth2 refresh token, in place of the two. */
  identityToken?: string;
  /** Bearer token to use as it is. */
  registryToken?: string;
}

/** Credentials that are known, or whoever knows them: asked for a host (`registry.example:5000`) that wants to see some. */
export type CredentialSource =
  RegistryCredentials | ((host: string) => Promise<RegistryCredentials>);

/**
 * The credentials in an `X-Registry-Auth` header: JSON in base64url (or base64, which some clients send).
 * Undefined for a header that is absent, empty or unreadable: docker tolerates those.
 */
export function decodeRegistryAuth(header: string | undefined): RegistryCredentials | undefined {
  if (header === undefined || header === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
  } catch {
    return undefined; // docker says nothing about it either
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { serverAddress: _, ...credentials } = decodeCredentials(value);
  return Object.keys(credentials).length === 0 ? undefined : credentials;
}

/** Credentials as clients write them, with the server that they are for. Fields that are not text count as absent. */
export function decodeCredentials(value: object): RegistryCredentials & { serverAddress?: string } {
  // Go decodes keys in any case, and some clients rely on that.
  const fields = new Map(
    Object.entries(value).map(([key, field]) => [key.toLowerCase(), field as unknown]),
  );
  const text = (key: string) => {
    const field = fields.get(key);
    return typeof field === 'string' && field !== '' ? field : undefined;
  };
  const fromAuth = splitAuth(text('auth'));
  const username = text('username') ?? fromAuth?.username;
  const password = text('password') ?? fromAuth?.password;
  const identityToken = text('identitytoken');
  const registryToken = text('registrytoken');
  const serverAddress = text('serveraddress');
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(identityToken !== undefined && { identityToken }),
    ...(registryToken !== undefined && { registryToken }),
    ...(serverAddress !== undefined && { serverAddress }),
  };
}

/** `auth` of a configuration file: user and password in base64. */
function splitAuth(auth: string | undefined): { username: string; password: string } | undefined {
  if (auth === undefined) return undefined;
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0
    ? undefined
    : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
