/** `engine restart`, `pause`, `unpause` and `rename`: one call for each container. */
import { isStackError } from '#spec/errors';
import { defineCommand, forEachName } from '../command-line/command.ts';
import { stopFlags, stopQuery } from './stop-flags.ts';

export const restart = defineCommand({
  synopsis: '[OPTIONS] CONTAINER [CONTAINER...]',
  arguments: { min: 1 },
  flags: stopFlags,
  async run({ client }, values, names) {
    const query = stopQuery(values);
    return forEachName(names, async (name) => {
      await client.json('POST', `/containers/${name}/restart`, { query });
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
