/** Runs a command line with a terminal of a given size, as a person at one would. */
import { run, type CommandResult } from './command.ts';

/** Uses util-linux' script(1). What the terminal showed is in `stdout`; lines end in CR LF. */
export function runInTerminal(
  commandLine: string,
  { rows, columns, input = '' }: { rows: number; columns: number; input?: string },
): Promise<CommandResult> {
  const sized = `stty rows ${rows} cols ${columns}; exec ${commandLine}`;
  return run('/usr/bin/script', ['-qec', sized, '/dev/null'], { input });
}
