/** `engine run` and `engine create` */
import { StackError, isStackError, messageOf } from '#spec/errors';
import type { EngineClient } from '../client/engine-client.ts';
import { chosenPlatform } from '../client/platform.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, text } from '../command-line/flags.ts';
import { UsageError } from '../command-line/parse.ts';
import { withProxies } from '../config/settings.ts';
import { CidFile } from '../container/cid-file.ts';
import { containerFlags, pullFlag, type ContainerValues } from '../container/container-flags.ts';
import { createRequest, type AttachedStreams } from '../container/container-request.ts';
import { chosenDetachKeys } from '../terminal/detach-keys.ts';
import { needTerminal } from '../terminal/need-terminal.ts';
import { refuseContentTrust } from './content-trust.ts';
import { runAttached } from './start-attached.ts';

export const run = defineCommand({
  synopsis: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  arguments: { min: 1 },
  interspersed: false,
  failureStatus: 125,
  flags: {
    ...containerFlags,
    detach: boolean('Run container in background and print container ID', 'd'),
    'detach-keys': text('Override the key sequence for detaching a container'),
    pull: pullFlag('running'),
    'sig-proxy': boolean('Proxy received signals to the process', undefined, true),
  },
  async run({ client }, values, [image = '', ...command]) {
    const detachKeys = chosenDetachKeys(values['detach-keys']);
    if (values.detach && values.attach.length > 0) {
      process.stderr.write('conflicting options: cannot specify both --attach and --detach\n');
      return 1;
    }
    const streams: AttachedStreams = values.detach
      ? { stdin: false, stdout: false, stderr: false }
      : attachedStreams(values);
    if (values.tty && streams.stdin) needTerminal();
    const id = await createContainer(client, prepare(client, values, image, command, streams));
    const start = async (): Promise<void> => {
      try {
        await client.json('POST', `/containers/${id}/start`);
      } catch (error) {
        throw new StartError(error);
      }
    };
    try {
      if (!streams.stdin && !streams.stdout && !streams.stderr) {
        await start();
        process.stdout.write(`${id}\n`);
        return 0;
      }
      return await runAttached(client, id, {
        tty: values.tty,
        ...streams,
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
  synopsis: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  arguments: { min: 1 },
  interspersed: false,
  flags: { ...containerFlags, pull: pullFlag('creating') },
  async run({ client }, values, [image = '', ...command]) {
    const streams = attachedStreams(values);
    let creation: Creation;
    try {
      creation = prepare(client, values, image, command, streams);
    } catch (error) {
      if (!isStackError(error)) throw error;
      // What the daemon refuses ends with 1, what cannot be asked of it with 125.
      process.stderr.write(
        `engine: ${error.message}\n\nRun 'engine create --help' for more information\n`,
      );
      return 125;
    }
    process.stdout.write(`${await createContainer(client, creation)}\n`);
    return 0;
  },
});

const streamNames = ['stdin', 'stdout', 'stderr'] as const;

/** `-a`; without it both outputs, and stdin with `-i`. Throws {@link UsageError} for a stream that does not exist. */
function attachedStreams({ attach, interactive }: ContainerValues): AttachedStreams {
  const wanted = attach.map((value) => {
    const name = streamNames.find((known) => known === value.toLowerCase());
    if (name) return name;
    throw new UsageError(
      `invalid argument "${value}" for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR`,
    );
  });
  const all = wanted.length === 0;
  return {
    stdin: interactive || wanted.includes('stdin'),
    stdout: all || wanted.includes('stdout'),
    stderr: all || wanted.includes('stderr'),
  };
}

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

interface Creation {
  values: ContainerValues;
  image: string;
  pullPolicy: string;
  body: object;
}

/** Reads the command line to its end, before the daemon is asked for anything. */
function prepare(
  { endpoint }: EngineClient,
  values: ContainerValues,
  image: string,
  command: readonly string[],
  streams: AttachedStreams,
): Creation {
  refuseContentTrust(values['disable-content-trust']);
  const { pull: pullPolicy = 'missing' } = values;
  if (!['always', 'missing', 'never'].includes(pullPolicy)) {
    throw new StackError(
      'invalid_argument',
      `invalid pull option: '${pullPolicy}': must be one of "always", "missing" or "never"`,
    );
  }
  const env = withProxies(values.env, endpoint.host);
  const body = createRequest({ ...values, env }, image, command, streams);
  return { values, image, pullPolicy, body };
}

/** Creates the container, pulling its image if that is missing (or as `--pull` says). Resolves to its id. */
async function createContainer(
  client: EngineClient,
  { values, image, pullPolicy, body }: Creation,
): Promise<string> {
  const cidFile = values.cidfile === undefined ? undefined : new CidFile(values.cidfile);
  try {
    const pull = async ({ isNews }: { isNews: boolean }): Promise<void> => {
      // Most containers have their image: names, digests and credentials are loaded for those that have not.
      const { fullName, pullImage } = await import('./pull.ts');
      if (isNews && !values.quiet) {
        process.stderr.write(`Unable to find image '${fullName(image)}' locally\n`);
      }
      await pullImage(client, image, process.stderr, {
        quiet: values.quiet,
        platform: values.platform,
      });
    };
    const createOnce = (): Promise<CreateAnswer> =>
      client.json('POST', '/containers/create', {
        query: { name: values.name, platform: chosenPlatform(values.platform) },
        body,
      });
    if (pullPolicy === 'always') await pull({ isNews: false });
    let answer: CreateAnswer;
    try {
      answer = await createOnce();
    } catch (error) {
      if (!isMissingImage(error) || pullPolicy !== 'missing') throw error;
      await pull({ isNews: true });
      answer = await createOnce();
    }
    cidFile?.write(answer.Id);
    for (const warning of answer.Warnings ?? []) process.stderr.write(`WARNING: ${warning}\n`);
    return answer.Id;
  } finally {
    cidFile?.close();
  }
}

function isMissingImage(error: unknown): error is StackError {
  return isStackError(error, 'not_found') && /no such image/i.test(error.message);
}
