/** `engine run` and `engine create` */
import { isStackError, messageOf, type StackError } from '#spec/errors';
import type { EngineClient } from '../client/engine-client.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, text } from '../command-line/flags.ts';
import { UsageError } from '../command-line/parse.ts';
import { defaultDetachKeys, parseDetachKeys } from '../terminal/detach-keys.ts';
import { containerFlags, createRequest, type ContainerValues } from './container-options.ts';
import { pullImage } from './pull.ts';
import { runAttached } from './start-attached.ts';

const summary = 'Create and run a new container from an image';

export const run = defineCommand({
  name: 'run',
  synopsis: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  summary,
  arguments: { min: 1 },
  interspersed: false,
  failureStatus: 125,
  flags: {
    ...containerFlags,
    detach: boolean('Run container in background and print container ID', 'd'),
    'detach-keys': text('Override the key sequence for detaching a container'),
    'sig-proxy': boolean('Proxy received signals to the process', undefined, true),
  },
  async run({ client }, values, [image = '', ...command]) {
    const detachKeys = parseDetachKeys(values['detach-keys'] ?? defaultDetachKeys);
    if (values.tty && values.interactive && !values.detach && !process.stdin.isTTY) {
      throw new UsageError('the input device is not a TTY');
    }
    const id = await createContainer(client, values, image, command, { attach: !values.detach });
    const start = async (): Promise<void> => {
      try {
        await client.json('POST', `/containers/${id}/start`);
      } catch (error) {
        throw new StartError(error);
      }
    };
    try {
      if (values.detach) {
        await start();
        process.stdout.write(`${id}\n`);
        return 0;
      }
      return await runAttached(client, id, {
        tty: values.tty,
        stdin: values.interactive,
        detachKeys,
        waitCondition: values.rm ? 'removed' : 'next-exit',
        forwardSignals: values['sig-proxy'],
        start,
      });
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      process.stderr.write(
        `engine: ${error.message}\n\nRun 'engine run --help' for more information\n`,
      );
      return error.status;
    }
  },
});

export const create = defineCommand({
  name: 'create',
  synopsis: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  summary: 'Create a new container',
  arguments: { min: 1 },
  interspersed: false,
  flags: containerFlags,
  async run({ client }, values, [image = '', ...command]) {
    process.stdout.write(
      `${await createContainer(client, values, image, command, { attach: true })}\n`,
    );
    return 0;
  },
});

/** The container could not be started; the exit code says why, as docker's does. */
class StartError extends Error {
  readonly status: number;

  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
    this.status = startFailureStatus(this.message);
  }
}

/** 127 when the command does not exist, 126 when it may not be executed, else 125. Only the message tells. */
function startFailureStatus(message: string): number {
  if (
    /executable file not found|no such file or directory|system cannot find the file specified/.test(
      message,
    )
  )
    return 127;
  if (/permission denied|is a directory/.test(message)) return 126;
  return 125;
}

interface CreateAnswer {
  Id: string;
  Warnings?: string[] | null;
}

/** Creates the container, pulling its image if that is missing (or as `--pull` says). Resolves to its id. */
async function createContainer(
  client: EngineClient,
  values: ContainerValues,
  image: string,
  command: readonly string[],
  { attach }: { attach: boolean },
): Promise<string> {
  const pullPolicy = values.pull ?? 'missing';
  if (!['always', 'missing', 'never'].includes(pullPolicy)) {
    throw new UsageError(
      `invalid pull option: '${pullPolicy}': must be one of "always", "missing" or "never"`,
    );
  }
  const body = createRequest(values, image, command, { attach });
  const pull = (): Promise<void> =>
    pullImage(client, image, process.stderr, { quiet: values.quiet, platform: values.platform });
  const createOnce = (): Promise<CreateAnswer> =>
    client.json('POST', '/containers/create', {
      query: { name: values.name, platform: values.platform },
      body,
    });
  if (pullPolicy === 'always') await pull();
  let answer: CreateAnswer;
  try {
    answer = await createOnce();
  } catch (error) {
    if (!isMissingImage(error) || pullPolicy !== 'missing') throw error;
    if (!values.quiet) process.stderr.write(`Unable to find image '${image}' locally\n`);
    await pull();
    answer = await createOnce();
  }
  for (const warning of answer.Warnings ?? []) process.stderr.write(`WARNING: ${warning}\n`);
  return answer.Id;
}

function isMissingImage(error: unknown): error is StackError {
  return isStackError(error, 'not_found') && /no such image/i.test(error.message);
}
