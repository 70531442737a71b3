/** The bundle of `create`. */
import { runCommandLine } from './command-line/run-command-line.ts';
import { create } from './commands/create.ts';

/** Runs a command line with this verb; returns the exit code and never throws. */
export function runCreateCommandLine(args: readonly string[]): Promise<number> {
  return runCommandLine(args, { create: () => Promise.resolve(create) });
}
