/** A command line from its flags to its exit code: global flags, then one verb out of a table. */
import path from 'node:path';
import { isStackError, messageOf, StackError } from '#spec/errors';
import { RuntimeLog } from '../log/runtime-log.ts';
import type { Command } from './command.ts';
import { parseFlags, type Flags, type FlagSpecs } from './flags.ts';
import { globalFlags } from './global-flags.ts';
import { commandHelp } from './help.ts';
import { print } from './output.ts';

/** Verbs and how to load each. */
export type CommandTable = Readonly<Record<string, () => Promise<Command>>>;

const helpFlag: FlagSpecs = { help: { kind: 'boolean', alias: 'h', help: 'print this' } };

/** What to do with a command line whose verb the table does not have, or that has none. Returns the exit code. */
export type OtherCommandLine = (globals: Flags) => Promise<number>;

/** For a bundle that is loaded only when it has the verb (main.ts). */
const notInThisBundle: OtherCommandLine = ({ positional: [verb = ''] }) =>
  Promise.reject(new Error(`the verb "${verb}" lies in another bundle`));

/** Never throws: a failure is logged and becomes the exit code. */
export async function runCommandLine(
  args: readonly string[],
  commands: CommandTable,
  otherwise: OtherCommandLine = notInThisBundle,
): Promise<number> {
  let log: RuntimeLog | undefined;
  let name: string | undefined;
  try {
    const globals = parseFlags(args, globalFlags);
    const [verb, ...rest] = globals.positional;
    name = verb;
    const asked = globals.has('version') || globals.has('help');
    const load = verb !== undefined && Object.hasOwn(commands, verb) ? commands[verb] : undefined;
    if (!load || verb === undefined || asked) return await otherwise(globals);
    log = openLog(globals);
    return await runCommand(await load(), verb, rest, { globals, log });
  } catch (error) {
    log ??= new RuntimeLog();
    const { errorDetails } = await import('../log/error-details.ts');
    const expected = isStackError(error) || hasCode(error);
    log.error(expected ? messageOf(error) : describeBug(error), { ...errorDetails(error) });
    // docker takes 255 of `exec` for its own 126 and 127
    return name === 'exec' ? 255 : 1;
  } finally {
    log?.close();
  }
}

async function runCommand(
  command: Command,
  verb: string,
  args: readonly string[],
  { globals, log }: { globals: Flags; log: RuntimeLog },
): Promise<number> {
  const flags = parseFlags(args, { ...command.flags, ...helpFlag });
  if (flags.has('help')) {
    print(commandHelp(command));
    return 0;
  }
  const { minimumArguments, maximumArguments } = command;
  const count = flags.positional.length;
  if (count < minimumArguments || count > maximumArguments) {
    throw new StackError(
      'invalid_argument',
      `"${verb}" takes ${argumentRange(command)} argument(s), got ${count}`,
    );
  }
  const systemdCgroup = globals.has('systemd-cgroup');
  const rootless = readRootless(globals.text('rootless'));
  return command.run({ root: stateRoot(globals), log, systemdCgroup, rootless, flags });
}

function readRootless(written = 'auto'): boolean | undefined {
  if (written === 'auto' || written === '') return undefined;
  if (written === 'true' || written === 'false') return written === 'true';
  throw new StackError('invalid_argument', `invalid value "${written}" for flag -rootless`);
}

function argumentRange({ minimumArguments, maximumArguments }: Command): string {
  if (minimumArguments === maximumArguments) return `exactly ${minimumArguments}`;
  if (maximumArguments === Infinity) return `at least ${minimumArguments}`;
  return `${minimumArguments} to ${maximumArguments}`;
}

/** The log that the global flags describe. Throws invalid_argument for a format that does not exist. */
export function openLog(globals: Flags): RuntimeLog {
  const format = globals.text('log-format') ?? 'text';
  if (format !== 'text' && format !== 'json') {
    throw new StackError('invalid_argument', `invalid log-format "${format}"`);
  }
  return new RuntimeLog({ file: globals.text('log'), format, debug: globals.has('debug') });
}

/** An ordinary user's state lies below XDG_RUNTIME_DIR. */
function stateRoot(globals: Flags): string {
  const personal = process.env.XDG_RUNTIME_DIR;
  const fallback =
    process.geteuid?.() !== 0 && personal ? path.join(personal, 'runtime') : '/run/runtime';
  const root = path.resolve(globals.text('root') ?? fallback);
  if (root === '/') throw new StackError('invalid_argument', '--root cannot be "/"');
  return root;
}

function hasCode(error: unknown): boolean {
  return error instanceof Error && 'code' in error;
}

function describeBug(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
