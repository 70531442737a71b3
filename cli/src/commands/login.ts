/** `engine login` and `engine logout` */
import { StackError, isStackError, messageOf } from '#spec/errors';
import type { EngineClient } from '../client/engine-client.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, text } from '../command-line/flags.ts';
import { hostOf } from '../config/config-file.ts';
import {
  findAuth,
  forgetAuth,
  hubServer,
  keepAuth,
  type AuthConfig,
} from '../credentials/registry-auth.ts';
import { ask, askSecret } from '../terminal/ask.ts';

export const login = defineCommand({
  synopsis: '[OPTIONS] [SERVER]',
  description: 'Authenticate to a registry.\nDefaults to Docker Hub if no server is specified.',
  arguments: { min: 0, max: 1 },
  flags: {
    password: text('Password or Personal Access Token (PAT)', 'p'),
    'password-stdin': boolean('Take the Password or Personal Access Token (PAT) from stdin'),
    username: text('Username', 'u'),
  },
  async run({ client }, { password = '', username = '', ...values }, [address = '']) {
    const given = await readPassword({ password, username, fromStdin: values['password-stdin'] });
    const server = serverOf(address);
    let known: AuthConfig | undefined;
    if (username === '' && given === '') {
      known = findAuth(server);
      if (known?.username !== undefined && known.password !== undefined) {
        process.stderr.write(
          `Authenticating with existing credentials... [Username: ${known.username}]\n\n`,
        );
        try {
          return await authenticate(client, known);
        } catch (error) {
          if (!isStackError(error)) throw error;
          process.stderr.write(
            error.kind === 'unauthenticated'
              ? 'Stored credentials invalid or expired\n'
              : `Login did not succeed, error: ${messageOf(error)}\n`,
          );
        }
      }
    }
    if ((username === '' || given === '') && !process.stdin.isTTY) {
      throw new StackError(
        'invalid_argument',
        'Error: Cannot perform an interactive login from a non TTY device',
      );
    }
    return authenticate(client, {
      username: username === '' ? await askUser(known?.username) : username,
      password: given === '' ? await askSecret('Password: ') : given,
      serveraddress: server,
    });
  },
});

export const logout = defineCommand({
  synopsis: '[SERVER]',
  description:
    'Log out from a registry.\nIf no server is specified, the default is defined by the daemon.',
  arguments: { min: 0, max: 1 },
  flags: {},
  async run(_context, _values, [address = '']) {
    const server = address === '' ? hubServer : address;
    process.stdout.write(
      `Removing login credentials for ${server === hubServer ? server : hostOf(server)}\n`,
    );
    try {
      forgetAuth(server);
    } catch (error) {
      process.stderr.write(
        `WARNING: could not erase credentials:\n${server}: ${messageOf(error)}\n`,
      );
    }
    return Promise.resolve(0);
  },
});

function serverOf(address: string): string {
  return address === '' || address === 'docker.io' ? hubServer : hostOf(address);
}

async function readPassword(options: {
  password: string;
  username: string;
  fromStdin: boolean;
}): Promise<string> {
  const { password, username, fromStdin } = options;
  if (password !== '') {
    if (fromStdin) {
      throw new StackError(
        'invalid_argument',
        'conflicting options: cannot specify both --password and --password-stdin',
      );
    }
    process.stderr.write(
      'WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n',
    );
  }
  if (!fromStdin) return password;
  if (username === '') throw new StackError('invalid_argument', 'username is empty');
  let input = '';
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) input += chunk.toString();
  const read = input.replace(/\r?\n$/, '');
  if (read === '') throw new StackError('invalid_argument', 'password is empty');
  return read;
}

/** The daemon asks the registry; only what it accepts is kept. */
async function authenticate(client: EngineClient, auth: AuthConfig): Promise<number> {
  const { Status: status, IdentityToken: token } = await client.json<{
    Status: string;
    IdentityToken?: string;
  }>('POST', '/auth', { body: auth });
  const { username = '', serveraddress } = auth;
  const file = keepAuth(
    token === undefined || token === '' ? auth : { username, identitytoken: token, serveraddress },
  );
  if (file !== undefined) {
    process.stderr.write(
      `\nWARNING! Your credentials are stored unencrypted in '${file}'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n\n`,
    );
  }
  if (status !== '') process.stdout.write(`${status}\n`);
  return 0;
}

async function askUser(usual: string | undefined): Promise<string> {
  const answer = await ask(usual === undefined ? 'Username: ' : `Username (${usual}): `);
  const user = answer === '' ? (usual ?? '') : answer;
  if (user === '') {
    throw new StackError('invalid_argument', 'Error: Non-null Username Required');
  }
  return user;
}
