/** `ssh://user@host:port/path/of/socket`, and how ssh(1) is called for it. */
import { UsageError } from '../command-line/parse.ts';

export interface SshTarget {
  readonly user: string | undefined;
  readonly host: string;
  readonly port: string | undefined;
  /** The daemon's socket over there, where it is not the usual one. */
  readonly socketPath: string | undefined;
}

/** Throws {@link UsageError} in docker's words. */
export function parseSshTarget(text: string): SshTarget {
  const refuse = (reason: string): never => {
    throw new UsageError(`ssh host connection is not valid: invalid SSH URL: ${reason}`);
  };
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return refuse(`cannot parse "${text}"`);
  }
  if (url.password !== '') refuse('plain-text password is not supported');
  if (url.hostname === '') refuse('hostname is empty');
  if (url.search !== '') refuse(`query parameters are not allowed: "${url.search.slice(1)}"`);
  if (url.hash !== '') refuse(`fragments are not allowed: "${url.hash.slice(1)}"`);
  return {
    user: url.username === '' ? undefined : decodeURIComponent(url.username),
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? undefined : url.port,
    socketPath: /[^/]/.test(url.pathname) ? decodeURIComponent(url.pathname) : undefined,
  };
}

/**
 * Arguments of ssh. Over there `engine`, and where there is none `docker`, connects its stdin and stdout with the daemon.
 * ssh hands its words to the user's shell in one string, whatever shell that is: all is quoted for `sh`, which is called
 * by name.
 */
export function sshArguments({ user, host, port, socketPath }: SshTarget): string[] {
  const script = 'command -v engine >/dev/null 2>&1 && exec engine "$@"; exec docker "$@"';
  const words = [
    ...(socketPath === undefined ? [] : [`--host=unix://${socketPath}`]),
    ...['system', 'dial-stdio'],
  ];
  return [
    ...['-o', 'ConnectTimeout=30', '-T'],
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', port]),
    ...['--', host],
    ['sh', '-c', script, 'dial', ...words].map(quote).join(' '),
  ];
}

function quote(word: string): string {
  return /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
