/** `engine restart`, `pause`, `unpause` and `rename`: one call for each container. */
import { defineCommand, forEachName } from '../command-line/command.ts';
import { text } from '../command-line/flags.ts';
import { parseInteger } from '../format/units.ts';

export const restart = defineCommand({
  name: 'restart',
  synopsis: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Restart one or more containers',
  arguments: { min: 1 },
  flags: {
    signal: text('Signal to send to the container', 's'),
    timeout: text('Seconds to wait before killing the container', 't', 'int'),
  },
  async run({ client }, { signal, timeout }, names) {
    const t = timeout === undefined ? undefined : parseInteger(timeout, '--timeout');
    return forEachName(names, async (name) => {
      await client.json('POST', `/containers/${name}/restart`, { query: { signal, t } });
      process.stdout.write(`${name}\n`);
    });
  },
});

export const pause = defineCommand({
  name: 'pause',
  synopsis: 'CONTAINER [CONTAINER...]',
  summary: 'Pause all processes within one or more containers',
  arguments: { min: 1 },
  flags: {},
  async run({ client }, _values, names) {
    return forEachName(names, async (name) => {
      await client.json('POST', `/containers/${name}/pause`);
      process.stdout.write(`${name}\n`);
    });
  },
});

export const unpause = defineCommand({
  name: 'unpause',
  synopsis: 'CONTAINER [CONTAINER...]',
  summary: 'Unpause all processes within one or more containers',
  arguments: { min: 1 },
  flags: {},
  async run({ client }, _values, names) {
    return forEachName(names, async (name) => {
      await client.json('POST', `/containers/${name}/unpause`);
      process.stdout.write(`${name}\n`);
    });
  },
});

export const rename = defineCommand({
  name: 'rename',
  synopsis: 'CONTAINER NEW_NAME',
  summary: 'Rename a container',
  arguments: { min: 2, max: 2 },
  flags: {},
  async run({ client }, _values, [container = '', name = '']) {
    await client.json('POST', `/containers/${container}/rename`, { query: { name } });
    return 0;
  },
});
