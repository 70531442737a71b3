/** The runtime's command line: global flags, then one verb. Every verb is loaded when it is asked for. */
import path from 'node:path';
import { version } from '#lib/installation/installation';
import { isStackError, messageOf, StackError } from '#spec/errors';
import { ociVersion } from '#spec/oci/runtime-config';
import type { Command } from './command-line/command.ts';
import { parseFlags, type Flags, type FlagSpecs } from './command-line/flags.ts';
import { commandHelp, globalHelp } from './command-line/help.ts';
import { print } from './command-line/output.ts';
import { RuntimeLog } from './log/runtime-log.ts';

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  create: async () => (await import('./commands/create.ts')).create,
  delete: async () => (await import('./commands/delete.ts')).deleteContainer,
  events: async () => (await import('./commands/events.ts')).events,
  exec: async () => (await import('./commands/exec.ts')).exec,
  explain: async () => (await import('./commands/explain.ts')).explain,
  features: async () => (await import('./commands/features.ts')).features,
  kill: async () => (await import('./commands/kill.ts')).kill,
  list: async () => (await import('./commands/list.ts')).list,
  pause: async () => (await import('./commands/pause.ts')).pause,
  ps: async () => (await import('./commands/ps.ts')).ps,
  resume: async () => (await import('./commands/pause.ts')).resume,
  run: async () => (await import('./commands/run.ts')).run,
  spec: async () => (await import('./commands/spec.ts')).spec,
  start: async () => (await import('./commands/start.ts')).start,
  state: async () => (await import('./commands/state.ts')).state,
  update: async () => (await import('./commands/update.ts')).update,
};

const globalFlags: FlagSpecs = {
  debug: { kind: 'boolean', help: 'log what is done' },
  log: { kind: 'string', help: 'file to log to; default: stderr' },
  'log-format': { kind: 'string', help: 'text or json' },
  root: { kind: 'string', help: 'directory for the state of containers' },
  'systemd-cgroup': {
    kind: 'boolean',
    help: 'not implemented: cgroups are made by the runtime itself',
  },
  rootless: { kind: 'string', help: 'true, false or auto; found out by the runtime itself' },
  version: { kind: 'boolean', alias: 'v', help: 'print the version' },
  help: { kind: 'boolean', alias: 'h', help: 'print this' },
};

const helpFlag: FlagSpecs = { help: { kind: 'boolean', alias: 'h', help: 'print this' } };

async function main(args: readonly string[]): Promise<number> {
  let log = new RuntimeLog();
  let name: string | undefined;
  try {
    const globals = parseFlags(args, globalFlags);
    log = openLog(globals);
    if (globals.has('version')) {
      print(`runtime version ${version}\nspec: ${ociVersion}\n`);
      return 0;
    }
    const [verb, ...rest] = globals.positional;
    if (globals.has('help') || verb === undefined || verb === 'help') {
      print(globalHelp(Object.keys(commands), globalFlags));
      return 0;
    }
    name = verb;
    const load = Object.hasOwn(commands, verb) ? commands[verb] : undefined;
    if (!load) throw new StackError('invalid_argument', `no such command: "${verb}"`);
    return await runCommand(await load(), verb, rest, { globals, log });
  } catch (error) {
    log.error(isStackError(error) || hasCode(error) ? messageOf(error) : describeBug(error));
    // docker takes 255 of `exec` for its own 126 and 127
    return name === 'exec' ? 255 : 1;
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
  if (globals.has('systemd-cgroup')) {
    throw new StackError('unimplemented', '--systemd-cgroup is not implemented');
  }
  return command.run({ root: stateRoot(globals), log, flags });
}

function argumentRange({ minimumArguments, maximumArguments }: Command): string {
  if (minimumArguments === maximumArguments) return `exactly ${minimumArguments}`;
  if (maximumArguments === Infinity) return `at least ${minimumArguments}`;
  return `${minimumArguments} to ${maximumArguments}`;
}

function openLog(globals: Flags): RuntimeLog {
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

void main(process.argv.slice(2)).then((code) => process.exit(code));
