/** Where the daemon listens: `-H`, then ENGINE_HOST, then DOCKER_HOST, then the default socket. */
import { UsageError } from '../command-line/parse.ts';

export const defaultHost = 'unix:///run/engine/engine.sock';

export type Endpoint =
  | { readonly host: string; readonly socketPath: string }
  | { readonly host: string; readonly hostname: string; readonly port: number };

/** Throws {@link UsageError} for an address that is not `unix://PATH` or `tcp://HOST:PORT`. */
export function parseEndpoint(host: string): Endpoint {
  const unix = /^unix:\/\/(\/?.+)$/.exec(host);
  if (unix?.[1] !== undefined) return { host, socketPath: unix[1] };
  const tcp = /^tcp:\/\/(\[[0-9a-fA-F:]+\]|[^:/]+)(?::(\d+))?\/?$/.exec(host);
  if (tcp?.[1] !== undefined) {
    return { host, hostname: tcp[1].replace(/^\[|\]$/g, ''), port: Number(tcp[2] ?? 2375) };
  }
  throw new UsageError(
    `invalid host "${host}": expected unix:///path/to/socket or tcp://host:port (ssh:// and TLS are not implemented yet)`,
  );
}

/** The address to use, given the value of `-H` if there was one. */
export function chooseHost(flag: string | undefined, env: NodeJS.ProcessEnv): string {
  const candidates = [flag, env['ENGINE_HOST'], env['DOCKER_HOST']];
  return candidates.find((host) => host !== undefined && host !== '') ?? defaultHost;
}
