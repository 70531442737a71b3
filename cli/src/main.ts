/** `engine`: arguments in, HTTP out, text to the terminal. */
import { isStackError } from '#spec/errors';
import { version } from '#lib/installation/installation';
import { EngineClient } from './client/engine-client.ts';
import { chooseHost, parseEndpoint } from './client/endpoint.ts';
import { commands, findCommand } from './command-line/command-tree.ts';
import { boolean, missing, text } from './command-line/flags.ts';
import { commandHelp, overallHelp } from './command-line/help.ts';
import { ArgumentCountError, UsageError, parseArguments } from './command-line/parse.ts';

const globalFlags = {
  host: text('Daemon socket to connect to', 'H'),
  version: boolean('Print version information and quit', 'v'),
  help: boolean('Print usage'),
  ...missing(
    'config',
    'context',
    'debug',
    'log-level',
    'tls',
    'tlscacert',
    'tlscert',
    'tlskey',
    'tlsverify',
  ),
} as const;

/** docker's exit code for a command line that it does not understand. */
const usageStatus = 125;

async function main(args: readonly string[]): Promise<number> {
  const { values, positional } = parseArguments(globalFlags, args, { interspersed: false });
  if (values.version) {
    process.stdout.write(`engine version ${version}\n`);
    return 0;
  }
  if (values.help || positional.length === 0) {
    process.stdout.write(overallHelp(commands, globalFlags));
    return 0;
  }
  const found = findCommand(positional);
  if (!found) {
    process.stderr.write(
      `engine: unknown command: engine ${positional[0] ?? ''}\n\nRun 'engine --help' for more information\n`,
    );
    return 1;
  }
  const { command, consumed } = found;
  const rest = positional.slice(consumed);
  // `--help` counts before the first positional argument; after it, it belongs to the container's command.
  const ownWords = command.interspersed === false ? rest.slice(0, firstPositional(rest)) : rest;
  if (ownWords.includes('--help')) {
    process.stdout.write(commandHelp(command));
    return 0;
  }
  const client = new EngineClient(parseEndpoint(chooseHost(values.host, process.env)));
  try {
    return await command.execute({ client }, rest);
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(
        `engine: ${error.message}\n\nUsage:  engine ${command.name} ${command.synopsis}\n\nRun 'engine ${command.name} --help' for more information\n`,
      );
      return error instanceof ArgumentCountError ? 1 : usageStatus;
    }
    if (!isStackError(error)) throw error;
    const { failureStatus = 1 } = command;
    process.stderr.write(
      failureStatus === 1
        ? `${error.message}\n`
        : `engine: ${error.message}\n\nRun 'engine ${command.name} --help' for more information\n`,
    );
    return failureStatus;
  } finally {
    client.close();
  }
}

function firstPositional(words: readonly string[]): number {
  const index = words.findIndex((word) => !word.startsWith('-'));
  return index < 0 ? words.length : index;
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
    if (error instanceof UsageError) {
      process.stderr.write(
        `engine: ${error.message}\n\nRun 'engine --help' for more information\n`,
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
