/** Errors of criu, with its own words. */
import path from 'node:path';
import { logErrors } from '#lib/criu/error-lines';
import { CriuError } from '#lib/criu/session';
import { StackError } from '#spec/errors';

/** Runs `work`; puts what criu has written to its log, or printed, behind its failure. */
export function withCriuWords<T>(log: { directory: string; name: string }, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof CriuError)) throw error;
    const file = path.join(log.directory, log.name);
    const words = [...new Set([...error.complaints, ...logErrors(file)])];
    const said = words.length > 0 ? `: ${words.join('; ')}` : '';
    throw new StackError(error.kind, `${error.message}${said} (log file: ${file})`, {
      cause: error,
    });
  }
}
