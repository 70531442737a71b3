/** Which credentials belong to a registry, wherever they are kept, and the header that carries them to the daemon. */
import { defaultDomain, parseReference } from '#spec/reference';
import { ConfigFile, hostOf } from '../config/config-file.ts';
import { configFolder } from '../config/config-folder.ts';
import { environmentAuth } from './environment-auth.ts';
import { eraseCredentials, getCredentials, storeCredentials } from './credential-helper.ts';

/** Under this name Docker Hub's credentials are kept. */
export const hubServer = 'https://index.docker.io/v1/';

/** The user of whoever holds an identity token in place of a password. */
const tokenUser = '<token>';

/** As the API wants it, in `X-Registry-Auth` and in POST /auth. */
export interface AuthConfig {
  username?: string;
  password?: string;
  identitytoken?: string;
  registrytoken?: string;
  serveraddress: string;
}

/** Headers for calls that reach the registry of `image`. None where the user has no credentials for it. */
export function authHeaders(image: string): Record<string, string> {
  const { domain } = parseReference(image);
  const auth = findAuth(domain === defaultDomain ? hubServer : domain);
  if (!auth) return {};
  return { 'X-Registry-Auth': Buffer.from(JSON.stringify(auth)).toString('base64url') };
}

/** What is kept for `server`, in DOCKER_AUTH_CONFIG, by a helper or in the file. */
export function findAuth(server: string): AuthConfig | undefined {
  const given = environmentAuth(server);
  if (given !== undefined) return { ...splitAuth(given), serveraddress: server };
  const config = ConfigFile.read(configFolder());
  const helper = config.helperOf(server);
  if (helper !== undefined) {
    const found = getCredentials(helper, server);
    if (!found) return undefined;
    const { Username: username, Secret: secret } = found;
    return username === tokenUser
      ? { identitytoken: secret, serveraddress: server }
      : { username, password: secret, serveraddress: server };
  }
  const stored = config.authOf(server);
  if (!stored) return undefined;
  const { auth, identitytoken, registrytoken } = stored;
  return {
    ...(auth !== undefined && splitAuth(auth)),
    ...(identitytoken !== undefined && { identitytoken }),
    ...(registrytoken !== undefined && { registrytoken }),
    serveraddress: server,
  };
}

/** Keeps credentials. Resolves to the file if they now lie in it unencrypted. */
export function keepAuth(auth: AuthConfig): string | undefined {
  const { username = '', password = '', identitytoken, serveraddress: server } = auth;
  const config = ConfigFile.read(configFolder());
  const helper = config.helperOf(server);
  if (helper !== undefined) {
    storeCredentials(helper, {
      ServerURL: server,
      Username: identitytoken === undefined ? username : tokenUser,
      Secret: identitytoken ?? password,
    });
    return undefined;
  }
  config.setAuth(server, {
    auth: Buffer.from(`${username}:${password}`).toString('base64'),
    ...(identitytoken !== undefined && { identitytoken }),
  });
  return config.file;
}

/** Forgets what is kept for `server`, also under the longer names that older versions wrote. */
export function forgetAuth(server: string): void {
  const host = hostOf(server);
  const names =
    server === hubServer ? [server] : [server, host, `http://${host}`, `https://${host}`];
  const config = ConfigFile.read(configFolder());
  for (const name of new Set(names)) {
    const helper = config.helperOf(name);
    if (helper !== undefined) eraseCredentials(helper, name);
    else config.removeAuth(name);
  }
}

function splitAuth(auth: string): { username: string; password: string } {
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}
