/** `engine top` and `engine diff`: what goes on in a container. */
import { defineCommand } from '../command-line/command.ts';
import { renderTable } from '../format/table.ts';

export const top = defineCommand({
  synopsis: 'CONTAINER [ps OPTIONS]',
  arguments: { min: 1 },
  interspersed: false,
  flags: {},
  async run({ client }, _values, [container = '', ...options]) {
    const { Titles: titles, Processes: processes } = await client.json<{
      Titles: string[];
      Processes: string[][] | null;
    }>('GET', `/containers/${container}/top`, {
      query: { ps_args: options.length > 0 ? options.join(' ') : undefined },
    });
    process.stdout.write(renderTable(titles, processes ?? [], { narrowest: 20 }));
    return 0;
  },
});

/** By the API's numbers: changed, added, deleted. */
const kinds = ['C', 'A', 'D'];

export const diff = defineCommand({
  synopsis: 'CONTAINER',
  arguments: { min: 1, max: 1 },
  flags: {},
  async run({ client }, _values, [container = '']) {
    const changes = await client.json<{ Kind: number; Path: string }[] | null>(
      'GET',
      `/containers/${container}/changes`,
    );
    const lines = (changes ?? []).map(({ Kind, Path }) => `${kinds[Kind] ?? '?'} ${Path}\n`);
    process.stdout.write(lines.join(''));
    return 0;
  },
});
