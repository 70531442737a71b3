/** Where the API listens, as `-H` says it: `unix:///path`, `tcp://host:port`, `fd://`. */
import path from 'node:path';
import { StackError } from '#spec/errors';

export type ListenAddress =
  | { kind: 'unix'; path: string }
  | { kind: 'tcp'; host: string; port: number }
  /** Sockets that the service manager opened: one by its number, or all. */
  | { kind: 'fd'; fd: number | undefined };

/** The socket of an engine that is told no other. */
export const defaultSocket = '/run/engine/engine.sock';

/** docker's, with and without TLS. */
const defaultPort = 2375;

/** Reads the value of `-H`; what has no scheme is TCP. Throws invalid_argument in docker's words. */
export function parseListenAddress(given: string): ListenAddress {
  const text = given.trim();
  const [, scheme = 'tcp', rest = ''] = /^(?:([^:]*):\/\/)?(.*)$/s.exec(text) ?? [];
  switch (scheme) {
    case 'unix': {
      const socket = rest || defaultSocket;
      if (!path.isAbsolute(socket)) throw invalid(text, 'the path is not absolute');
      return { kind: 'unix', path: socket };
    }
    case 'tcp':
      return tcpAddress(text, rest);
    case 'fd': {
      if (rest === '' || rest === '*') return { kind: 'fd', fd: undefined };
      if (!/^\d{1,6}$/.test(rest)) {
        throw new StackError(
          'invalid_argument',
          `failed to parse systemd fd address: should be a number: ${rest}`,
        );
      }
      return { kind: 'fd', fd: Number(rest) };
    }
    default:
      throw invalid(text, `unsupported proto '${scheme}'`);
  }
}

function tcpAddress(text: string, rest: string): ListenAddress {
  if (/[/?#]/.test(rest)) throw invalid(text, 'should not contain a path element');
  const found = /^(\[[0-9a-fA-F:.]+\]|[^:\s]*)(?::(\d*))?$/.exec(rest);
  if (!found) throw invalid(text, 'it is not host:port');
  const port = found[2] ? Number(found[2]) : defaultPort;
  if (port === 0 || port > 65535) throw invalid(text, `invalid port: ${port}`);
  return { kind: 'tcp', host: (found[1] ?? '').replaceAll(/[[\]]/g, '') || 'localhost', port };
}

function invalid(text: string, reason: string): StackError {
  return new StackError('invalid_argument', `invalid bind address (${text}): ${reason}`);
}
