/** Where the daemon listens: `-H`, then ENGINE_HOST, then DOCKER_HOST, then the default socket. */
import { UsageError } from '../command-line/parse.ts';
import type { TlsOptions } from './tls-options.ts';

export const defaultHost = 'unix:///run/engine/engine.sock';

export type Endpoint =
  | { readonly host: string; readonly socketPath: string }
  | {
      readonly host: string;
      readonly hostname: string;
      readonly port: number;
      readonly tls: TlsOptions | undefined;
    };

/** docker's ports for a daemon over TCP, without TLS and with it. */
const defaultPort = { plain: 2375, tls: 2376 };

/** Throws {@link UsageError} for an address that is not `unix://PATH` or `tcp://HOST:PORT`. A socket needs no TLS. */
export function parseEndpoint(host: string, tls?: TlsOptions): Endpoint {
  const unix = /^unix:\/\/(\/?.+)$/.exec(host);
  if (unix?.[1] !== undefined) return { host, socketPath: unix[1] };
  const tcp = /^(?:tcp:\/\/)?(\[[0-9a-fA-F:]+\]|[^:/]+)(?::(\d+))?\/?$/.exec(host);
  if (tcp?.[1] !== undefined) {
    const port = Number(tcp[2] ?? (tls ? defaultPort.tls : defaultPort.plain));
    return { host, hostname: tcp[1].replace(/^\[|\]$/g, ''), port, tls };
  }
  throw new UsageError(
    `invalid host "${host}": expected unix:///path/to/socket or tcp://host:port (ssh:// is not implemented)`,
  );
}

/** The address to use, given the value of `-H` if there was one. */
export function chooseHost(flag: string | undefined, env: NodeJS.ProcessEnv): string {
  const candidates = [flag, env['ENGINE_HOST'], env['DOCKER_HOST']];
  return candidates.find((host) => host !== undefined && host !== '') ?? defaultHost;
}
