/** The bundle of the verbs that read the state of a container and send it a signal. They do not load koffi. */
import { runCommandLine } from './command-line/run-command-line.ts';
import { quickCommands } from './quick-commands.ts';

/** Runs a command line with one of these verbs; returns the exit code and never throws. */
export function runQuickCommandLine(args: readonly string[]): Promise<number> {
  return runCommandLine(args, quickCommands);
}
