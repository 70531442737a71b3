/** `engine start`, `stop`, `kill`, `rm`, `wait`, `attach`: what happens to a container after it was created. */
import { StackError, isStackError } from '#spec/errors';
import { defineCommand, forEachName } from '../command-line/command.ts';
import { boolean, missing, text } from '../command-line/flags.ts';
import { chosenDetachKeys } from '../terminal/detach-keys.ts';
import { runAttached } from './start-attached.ts';
import { stopFlags, stopQuery } from './stop-flags.ts';

interface ContainerState {
  Id: string;
  Config: { Tty: boolean; OpenStdin: boolean };
  State: { Running: boolean; Paused: boolean };
  HostConfig: { AutoRemove: boolean };
}

export const start = defineCommand({
  synopsis: '[OPTIONS] CONTAINER [CONTAINER...]',
  arguments: { min: 1 },
  flags: {
    attach: boolean('Attach STDOUT/STDERR and forward signals', 'a'),
    'detach-keys': text('Override the key sequence for detaching a container'),
    interactive: boolean("Attach container's STDIN", 'i'),
    ...missing('checkpoint', 'checkpoint-dir'),
  },
  async run({ client }, values, names) {
    if (!values.attach && !values.interactive) {
      const failed: string[] = [];
      const status = await forEachName(names, async (name) => {
        failed.push(name);
        await startUnlessRunning(() => client.json('POST', `/containers/${name}/start`));
        failed.pop();
        process.stdout.write(`${name}\n`);
      });
      if (status !== 0) {
        process.stderr.write(`Error: failed to start containers: ${failed.join(', ')}\n`);
      }
      return status;
    }
    if (names.length > 1)
      throw new StackError(
        'invalid_argument',
        'you cannot start and attach multiple containers at once',
      );
    const container = await client.json<ContainerState>(
      'GET',
      `/containers/${names[0] ?? ''}/json`,
    );
    return runAttached(client, container.Id, {
      tty: container.Config.Tty,
      stdin: values.interactive && container.Config.OpenStdin,
      stdout: true,
      stderr: true,
      detachKeys: chosenDetachKeys(values['detach-keys']),
      waitCondition: container.HostConfig.AutoRemove ? 'removed' : 'next-exit',
      forwardSignals: true,
      start: () =>
        startUnlessRunning(() => client.json('POST', `/containers/${container.Id}/start`)),
    });
  },
});

/** Starting what runs is not an error. */
async function startUnlessRunning(call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!isStackError(error, 'not_modified')) throw error;
  }
}

export const attach = defineCommand({
  synopsis: '[OPTIONS] CONTAINER',
  arguments: { min: 1, max: 1 },
  flags: {
    'detach-keys': text('Override the key sequence for detaching a container'),
    'no-stdin': boolean('Do not attach STDIN'),
    'sig-proxy': boolean('Proxy all received signals to the process', undefined, true),
  },
  async run({ client }, values, [name = '']) {
    const container = await client.json<ContainerState>('GET', `/containers/${name}/json`);
    if (!container.State.Running) {
      throw new StackError('conflict', 'you cannot attach to a stopped container, start it first');
    }
    if (container.State.Paused) {
      throw new StackError('conflict', 'you cannot attach to a paused container, unpause it first');
    }
    return runAttached(client, container.Id, {
      tty: container.Config.Tty,
      stdin: !values['no-stdin'] && container.Config.OpenStdin,
      stdout: true,
      stderr: true,
      detachKeys: chosenDetachKeys(values['detach-keys']),
      waitCondition: 'not-running',
      forwardSignals: values['sig-proxy'],
    });
  },
});

export const stop = defineCommand({
  synopsis: '[OPTIONS] CONTAINER [CONTAINER...]',
  arguments: { min: 1 },
  flags: stopFlags,
  async run({ client }, values, names) {
    const query = stopQuery(values);
    return forEachName(names, async (name) => {
      await startUnlessRunning(() => client.json('POST', `/containers/${name}/stop`, { query }));
      process.stdout.write(`${name}\n`);
    });
  },
});

export const kill = defineCommand({
  synopsis: '[OPTIONS] CONTAINER [CONTAINER...]',
  arguments: { min: 1 },
  flags: { signal: text('Signal to send to the container', 's') },
  async run({ client }, { signal }, names) {
    return forEachName(names, async (name) => {
      await client.json('POST', `/containers/${name}/kill`, { query: { signal } });
      process.stdout.write(`${name}\n`);
    });
  },
});

export const rm = defineCommand({
  synopsis: '[OPTIONS] CONTAINER [CONTAINER...]',
  arguments: { min: 1 },
  flags: {
    force: boolean('Force the removal of a running container (uses SIGKILL)', 'f'),
    link: boolean('Remove the specified link', 'l'),
    volumes: boolean('Remove anonymous volumes associated with the container', 'v'),
  },
  async run({ client }, { force, link, volumes }, names) {
    return forEachName(names, async (name) => {
      try {
        await client.json('DELETE', `/containers/${name}`, {
          query: {
            force: force ? 1 : undefined,
            link: link ? 1 : undefined,
            v: volumes ? 1 : undefined,
          },
        });
      } catch (error) {
        if (!(force && isStackError(error, 'not_found'))) throw error;
        process.stderr.write(`${error.message}\n`);
        return;
      }
      process.stdout.write(`${name}\n`);
    });
  },
});

export const wait = defineCommand({
  synopsis: 'CONTAINER [CONTAINER...]',
  arguments: { min: 1 },
  flags: {},
  async run({ client }, _values, names) {
    return forEachName(names, async (name) => {
      const { StatusCode: status } = await client.json<{ StatusCode: number }>(
        'POST',
        `/containers/${name}/wait`,
      );
      process.stdout.write(`${status}\n`);
    });
  },
});
