/** `engine`: arguments in, HTTP out, text to the terminal. */
import { isStackError, type StackError } from '#spec/errors';
import { version } from '#lib/installation/installation';
import { catalogue } from './command-line/catalogue.ts';
import type { Command } from './command-line/command.ts';
import { findCommand, type Found } from './command-line/find-command.ts';
import { commandHelp, groupHelp, overallHelp, usageLine } from './command-line/help.ts';
import { isUsageError, parseArguments, type UsageError } from './command-line/parse.ts';
import { Surroundings, globalFlags } from './global-flags.ts';

/** docker's exit code for a command line that it does not understand. */
const usageStatus = 125;

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === '__complete') {
    await (await import('./completion/complete.ts')).printCompletion(args.slice(1));
    return 0;
  }
  const { values, positional } = parseArguments(globalFlags, args, { interspersed: false });
  if (values.version) {
    process.stdout.write(`engine version ${version}\n`);
    return 0;
  }
  if (values.help || positional.length === 0) {
    process.stdout.write(overallHelp(catalogue, globalFlags));
    return 0;
  }
  const found = findCommand(positional);
  if (found.kind !== 'command') return notACommand(found);
  const command = await found.entry.load();
  const rest = positional.slice(found.consumed);
  if (asksForHelp(command, rest)) {
    process.stdout.write(commandHelp(found.entry, found.name, command));
    return 0;
  }
  let surroundings: Surroundings | undefined;
  try {
    const here = (surroundings = new Surroundings(values, process.env));
    return await command.execute(
      {
        name: found.name,
        contexts: here.contexts,
        get client() {
          return here.client;
        },
      },
      rest,
    );
  } catch (error) {
    if (isUsageError(error)) return showUsageError(error, found.name, command);
    if (!isStackError(error)) throw error;
    return showFailure(error, found.name, command);
  } finally {
    surroundings?.close();
  }
}

function notACommand(found: Exclude<Found, { kind: 'command' }>): number {
  switch (found.kind) {
    case 'group':
      process.stdout.write(groupHelp(found.group, catalogue));
      return 0;
    case 'missing':
      process.stderr.write(`engine: 'engine ${found.name}' is not implemented\n`);
      return 1;
    case 'unknown': {
      const { name, group } = found;
      const usage = group === undefined ? '' : `\n\nUsage:  engine ${group}`;
      const command = group === undefined ? 'engine' : `engine ${group}`;
      process.stderr.write(
        `engine: unknown command: engine ${name}${usage}\n\nRun '${command} --help' for more information\n`,
      );
      return 1;
    }
  }
}

/** `--help` counts before the first positional argument; after it, it may belong to the container's command. */
function asksForHelp(command: Command, words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  if (command.interspersed !== false) return own.includes('--help');
  const first = own.findIndex((word) => !word.startsWith('-'));
  return own.slice(0, first < 0 ? own.length : first).includes('--help');
}

function showUsageError(error: UsageError, name: string, command: Command): number {
  const isCount = error.name === 'ArgumentCountError';
  process.stderr.write(
    `${isCount ? 'engine: ' : ''}${error.message}\n\nUsage:  ${usageLine(name, command)}\n\nRun 'engine ${name} --help' for more information\n`,
  );
  return isCount ? 1 : usageStatus;
}

function showFailure(error: StackError, name: string, { failureStatus = 1 }: Command): number {
  process.stderr.write(
    failureStatus === 1
      ? `${error.message}\n`
      : `engine: ${error.message}\n\nRun 'engine ${name} --help' for more information\n`,
  );
  return failureStatus;
}

// A reader that closes its end (`engine logs | head`) ends us quietly, as it ends any program.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

main(process.argv.slice(2)).then(
  (status) => {
    // Not exitCode: a terminal on stdin would keep the process alive. stdout and stderr are written synchronously.
    process.exit(status);
  },
  (error: unknown) => {
    if (isUsageError(error)) {
      process.stderr.write(
        `${error.message}\n\nUsage:  engine [OPTIONS] COMMAND [ARG...]\n\nRun 'engine --help' for more information\n`,
      );
      process.exitCode = usageStatus;
      return;
    }
    // A bug of ours: the stack is what its finder should send us.
    process.stderr.write(
      `engine: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = 1;
  },
);
