/** What a command is: its flags, and the function that does it. Its names stand in the catalogue. */
import type { EngineClient } from '../client/engine-client.ts';
import type { Contexts } from '../contexts/current-context.ts';
import type { FlagTable, FlagValues } from './flags.ts';
import { ArgumentCountError, parseArguments } from './parse.ts';

/** What a command works with, besides its own arguments. */
export interface CommandContext {
  /** Made when it is first asked for; throws where the current context is none. */
  readonly client: EngineClient;
  /** Which daemons have names, and which of them is meant. */
  contexts: Contexts;
  /** As it was called: `ps`, `container ls`. */
  name: string;
}

interface CommandWords {
  /** `[OPTIONS] IMAGE [COMMAND] [ARG...]` */
  synopsis: string;
  /** What help says about it, where that is more than the catalogue's line. */
  description?: string;
  /** How many positional arguments it needs. */
  arguments: { min: number; max?: number };
  /** False where what follows the first positional argument belongs to another program. */
  interspersed?: boolean;
  /** Exit code when the daemon refuses or cannot be reached: 125 for those whose exit code is a container's. */
  failureStatus?: number;
}

/** A command with its flag types erased, as the catalogue loads it. */
export interface Command extends CommandWords {
  flags: FlagTable;
  /** Parses and runs; resolves to the exit code. Throws UsageError before anything is done. */
  execute(context: CommandContext, args: readonly string[]): Promise<number>;
}

/** Declares a command; `run` gets flag values typed by the table. */
export function defineCommand<Table extends FlagTable>(
  definition: CommandWords & {
    flags: Table;
    run: (context: CommandContext, values: FlagValues<Table>, args: string[]) => Promise<number>;
  },
): Command {
  const { run, ...command } = definition;
  return {
    ...command,
    async execute(context, args) {
      const { values, positional } = parseArguments(command.flags, args, {
        interspersed: command.interspersed ?? true,
      });
      checkCount(context.name, command.arguments, positional.length);
      return run(context, values, positional);
    },
  };
}

function checkCount(name: string, { min, max }: CommandWords['arguments'], count: number): void {
  if (count >= min && (max === undefined || count <= max)) return;
  const words = (limit: number): string => `${limit} argument${limit === 1 ? '' : 's'}`;
  const command = `'engine ${name}'`;
  if (max === 0) throw new ArgumentCountError(`${command} accepts no arguments`);
  if (min === max) throw new ArgumentCountError(`${command} requires ${words(min)}`);
  if (max === undefined) {
    throw new ArgumentCountError(`${command} requires at least ${words(min)}`);
  }
  throw new ArgumentCountError(
    min === 0
      ? `${command} requires at most ${words(max)}`
      : `${command} requires at least ${min} and at most ${words(max)}`,
  );
}

/**
 * Does `action` for each name in turn, as docker does for lists of containers: every failure is printed and the
 * rest goes on. Resolves to the exit code.
 */
export async function forEachName(
  names: readonly string[],
  action: (name: string) => Promise<void>,
): Promise<number> {
  let status = 0;
  for (const name of names) {
    try {
      await action(name);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      process.stderr.write(`${error.message}\n`);
      status = 1;
    }
  }
  return status;
}
