/** Why a task could not be created or started, in docker's words and with docker's exit codes. */
import { messageOf, StackError } from '#spec/errors';
import type { ContainerConfig } from '../api/container-config.ts';

export interface StartFailure {
  /** 127: no such command; 126: it may not be executed; 128: anything else. */
  exitCode: number;
  error: StackError;
}

/** Command not found, as runc and its likes word it. */
const notFound = ['executable file not found', 'no such file or directory'];

/**
 * The failure for what Tasks.Create or Tasks.Start threw. Errors of the user's making (a wrong command, a mount of a
 * folder onto a file) are invalid_argument, as with docker; clients look for the phrases inside.
 */
export function startFailure(
  thrown: unknown,
  config: Pick<ContainerConfig, 'Entrypoint' | 'Cmd'>,
): StartFailure {
  const words = messageOf(thrown);
  if (!words.includes('failed to create shim task') && !words.includes('OCI runtime')) {
    const error =
      thrown instanceof StackError ? thrown : new StackError('internal', words, { cause: thrown });
    return { exitCode: 128, error };
  }
  const message = dockersWords(words);
  const lower = message.toLowerCase();
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])][0] ?? '';
  const invalid = (exitCode: number, text = message): StartFailure => ({
    exitCode,
    error: new StackError('invalid_argument', text, { cause: thrown }),
  });
  if (lower.includes('not a directory')) {
    return invalid(
      127,
      `${message}: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type`,
    );
  }
  if (lower.includes('permission denied')) return invalid(126);
  if (message.includes(command) && notFound.some((phrase) => lower.includes(phrase))) {
    return invalid(127);
  }
  return { exitCode: 128, error: new StackError('internal', message, { cause: thrown }) };
}

/**
 * `failed to create task for container: failed to create shim task: OCI runtime create failed: …: unknown`: dockerd's
 * prefix, then containerd's. The code `unknown`, which Go's clients put behind an error that has no better one, is part
 * of what everybody has learnt to match. An older containerd leaves its prefix out.
 */
function dockersWords(words: string): string {
  const shimTask = words.startsWith('OCI runtime create failed')
    ? 'failed to create shim task: '
    : '';
  const code = words.endsWith(': unknown') ? '' : ': unknown';
  return `failed to create task for container: ${shimTask}${words}${code}`;
}
