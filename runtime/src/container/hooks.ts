/** Hooks that run in the runtime's own namespaces: prestart, createRuntime, poststart, poststop. */
import type { SpawnSyncReturns } from 'node:child_process';
import { getSystemErrorMessage } from 'node:util';
import { errorCode, StackError } from '#spec/errors';
import type { HookKind, Hooks } from '#spec/oci/hooks';

/**
 * Runs the hooks of one kind in their order, `state` on stdin. Throws internal at the first that fails, naming it:
 * `error running createRuntime hook #0: exit status 1, stderr: …`; with `onFailure` goes on after telling it.
 */
export function runHooks(
  hooks: Hooks | undefined,
  kind: HookKind,
  state: string,
  onFailure: (error: StackError) => void = (error) => {
    throw error;
  },
): void {
  if (!hooks?.[kind]?.length) return;
  // Loaded here alone: node:child_process costs more than everything else a create does.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  hooks[kind].forEach(({ path, args = [path], env = [], timeout }, index) => {
    const [argv0, ...rest] = args;
    const result = spawnSync(path, rest, {
      argv0: argv0 ?? path,
      env: Object.fromEntries(env.map(splitVariable)),
      input: state,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(timeout !== undefined && { timeout: timeout * 1000, killSignal: 'SIGKILL' }),
    });
    // A hook need not read its stdin (EPIPE): how it ended counts.
    if (result.status === 0) return;
    const reason = reasonOf(result, path, timeout);
    const output = (result.stderr as Buffer | null)?.toString().trim() ?? '';
    const printed = `stdout: ${(result.stdout as Buffer | null)?.toString().trim() ?? ''}, stderr: ${output}`;
    onFailure(
      new StackError('internal', `error running ${kind} hook #${index}: ${reason}, ${printed}`),
    );
  });
}

function reasonOf(
  { status, signal, error }: SpawnSyncReturns<Buffer>,
  path: string,
  timeout: number | undefined,
): string {
  if (status !== null) return `exit status ${status}`;
  if (error === undefined) return `signal: ${signal ?? 'unknown'}`;
  if (errorCode(error) === 'ETIMEDOUT')
    return `hook ran past specified timeout of ${timeout ?? 0}s`;
  const { errno } = error as NodeJS.ErrnoException; // of a spawn that failed
  return errno === undefined ? error.message : `${path}: ${getSystemErrorMessage(errno)}`;
}

function splitVariable(variable: string): [string, string] {
  const equals = variable.indexOf('=');
  return equals < 0 ? [variable, ''] : [variable.slice(0, equals), variable.slice(equals + 1)];
}
