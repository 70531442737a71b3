/** Where a daemon listens. Without a context: `-H`, then ENGINE_HOST, then DOCKER_HOST, then the default socket. */
import { UsageError } from '../command-line/parse.ts';
import { parseSshTarget, type SshTarget } from './ssh-target.ts';
import type { TlsOptions } from './tls-options.ts';

export const defaultHost = 'unix:///run/engine/engine.sock';

export type Endpoint =
  | { readonly host: string; readonly socketPath: string }
  | { readonly host: string; readonly ssh: SshTarget }
  | {
      readonly host: string;
      readonly hostname: string;
      readonly port: number;
      readonly tls: TlsOptions | undefined;
    };

/** docker's ports for a daemon over TCP, without TLS and with it. */
const defaultPort = { plain: 2375, tls: 2376 };

/** Throws {@link UsageError} for an address of none of the three kinds. Sockets and ssh need no TLS. */
export function parseEndpoint(host: string, tls?: TlsOptions): Endpoint {
  const unix = /^unix:\/\/(\/?.+)$/.exec(host);
  if (unix?.[1] !== undefined) return { host, socketPath: unix[1] };
  const tcp = /^(?:tcp:\/\/)?(\[[0-9a-fA-F:]+\]|[^:/]+)(?::(\d+))?\/?$/.exec(host);
  if (tcp?.[1] !== undefined) {
    const port = Number(tcp[2] ?? (tls ? defaultPort.tls : defaultPort.plain));
    return { host, hostname: tcp[1].replace(/^\[|\]$/g, ''), port, tls };
  }
  if (host.startsWith('ssh://')) return { host, ssh: parseSshTarget(host) };
  throw new UsageError(
    `invalid host "${host}": expected unix:///path/to/socket, tcp://host:port or ssh://user@host`,
  );
}

/** The address to use, given the value of `-H` if there was one. */
export function chooseHost(flag: string | undefined, env: NodeJS.ProcessEnv): string {
  const named = hostFromEnvironment(env);
  return flag || (named === undefined ? defaultHost : (env[named] ?? defaultHost)); // an empty flag counts as none
}

/** The variable that names a host, if one does. */
export function hostFromEnvironment(env: NodeJS.ProcessEnv): string | undefined {
  return ['ENGINE_HOST', 'DOCKER_HOST'].find((name) => env[name] !== undefined && env[name] !== '');
}
