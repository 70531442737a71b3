/** Environment and command of a container's processes. */
import { StackError } from '#spec/errors';
import type { ContainerConfig } from '../api/container-config.ts';

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** docker's defaults, what links say, then what image and user say; a later value of a name replaces an earlier one in its place. */
export function containerEnvironment(
  { Env: env, Tty: tty }: Pick<ContainerConfig, 'Env' | 'Tty'>,
  hostname: string,
  linkVariables: readonly string[] = [],
): string[] {
  const terminal = tty ? ['TERM=xterm'] : [];
  const base = [defaultPath, `HOSTNAME=${hostname}`, ...terminal, ...linkVariables];
  return mergeEnvironment(base, env ?? []);
}

/** `NAME=value` replaces, `NAME` alone removes (docker's rule for exec and run). */
export function mergeEnvironment(base: readonly string[], changes: readonly string[]): string[] {
  const merged = new Map<string, string | undefined>();
  for (const entry of [...base, ...changes]) {
    const separator = entry.indexOf('=');
    if (separator < 0) merged.set(entry, undefined);
    else merged.set(entry.slice(0, separator), entry);
  }
  return [...merged.values()].filter((entry) => entry !== undefined);
}

/** Entrypoint followed by Cmd. Throws invalid_argument when there is nothing to run. */
export function commandLine({
  Entrypoint: entrypoint,
  Cmd: command,
}: Pick<ContainerConfig, 'Entrypoint' | 'Cmd'>): string[] {
  const args = [...(entrypoint ?? []), ...(command ?? [])];
  if (args.length === 0 || (args.length === 1 && args[0] === '')) {
    throw new StackError('invalid_argument', 'no command specified');
  }
  return args;
}
