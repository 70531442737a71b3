/** `engine restart`, `pause`, `unpause` and `rename`: one call for each container. */
import { isStackError } from '#spec/errors';
import { defineCommand, forEachName } from '../command-line/command.ts';
import { text } from '../command-line/flags.ts';
import { parseInteger } from '../format/units.ts';

export const restart = defineCommand({
  synopsis: '[OPTIONS] CONTAINER [CONTAINER...]',
  arguments: { min: 1 },
  flags: {
    signal: text('Signal to send to the container', 's'),
    timeout: text('Seconds to wait before killing the container', 't', 'int'),
    time: { ...text('Old name of --timeout', undefined, 'int'), hidden: true },
  },
  async run({ client }, { signal, timeout, time }, names) {
    const seconds = timeout ?? time;
    const t = seconds === undefined ? undefined : parseInteger(seconds, '-t, --timeout');
    return forEachName(names, async (name) => {
      await client.json('POST', `/containers/${name}/restart`, { query: { signal, t } });
      process.stdout.write(`${name}\n`);
    });
  },
});

export const pause = defineCommand({
  synopsis: 'CONTAINER [CONTAINER...]',
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
  synopsis: 'CONTAINER [CONTAINER...]',
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
  synopsis: 'CONTAINER NEW_NAME',
  arguments: { min: 2, max: 2 },
  flags: {},
  async run({ client }, _values, [container = '', name = '']) {
    try {
      await client.json('POST', `/containers/${container}/rename`, { query: { name } });
    } catch (error) {
      if (!isStackError(error)) throw error;
      process.stderr.write(
        `${error.message}\nError: failed to rename container named ${container}\n`,
      );
      return 1;
    }
    return 0;
  },
});
