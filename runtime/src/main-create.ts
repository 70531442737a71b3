/** The bundle of `create` and `run`. */
import { runCommandLine } from './command-line/run-command-line.ts';
import { create } from './commands/create.ts';

/** Runs a command line with one of these verbs; returns the exit code and never throws. */
export function runCreateCommandLine(args: readonly string[]): Promise<number> {
  return runCommandLine(args, {
    create: () => Promise.resolve(create),
    run: async () => (await import('./commands/run.ts')).run,
  });
}
