/** The bundle of `exec`. */
import { runCommandLine } from './command-line/run-command-line.ts';
import { exec } from './commands/exec.ts';

/** Runs a command line with this verb; returns the exit code and never throws. */
export function runExecCommandLine(args: readonly string[]): Promise<number> {
  return runCommandLine(args, { exec: () => Promise.resolve(exec) });
}
