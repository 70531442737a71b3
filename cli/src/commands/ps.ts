/** `engine ps` */
import { defineCommand } from '../command-line/command.ts';
import { filterQuery } from '../client/filters.ts';
import { boolean, format as formatFlag, list, text } from '../command-line/flags.ts';
import { chosenFormat } from '../config/settings.ts';
import { containerHeadings, containerRow, type ContainerSummary } from '../format/container-row.ts';
import { printRows } from '../format/listing.ts';
import { parseInteger } from '../format/units.ts';

export const ps = defineCommand({
  synopsis: '[OPTIONS]',
  arguments: { min: 0, max: 0 },
  flags: {
    all: boolean('Show all containers (default shows just running)', 'a'),
    filter: list('Filter output based on conditions provided', 'f', 'filter'),
    format: formatFlag(),
    last: text('Show n last created containers (includes all states)', 'n', 'int', '-1'),
    latest: boolean('Show the latest created container (includes all states)', 'l'),
    'no-trunc': boolean("Don't truncate output"),
    quiet: boolean('Only display container IDs', 'q'),
    size: boolean('Display total file sizes', 's'),
  },
  async run({ client }, values) {
    const last = values.latest
      ? 1
      : values.last === undefined
        ? undefined
        : parseInteger(values.last, '-n, --last');
    const format = chosenFormat(values.format, 'psFormat');
    const wantsSize = values.size || (!values.quiet && /\.Size\b/.test(format ?? ''));
    const containers = await client.json<ContainerSummary[]>('GET', '/containers/json', {
      query: {
        all: values.all ? 1 : undefined,
        limit: last === -1 ? undefined : last,
        filters: filterQuery(values.filter),
        size: wantsSize ? 1 : undefined,
      },
    });
    const truncate = !values['no-trunc'];
    printRows(
      containers.map((container) => containerRow(container, { truncate })),
      {
        format,
        quiet: values.quiet ? 'ID' : undefined,
        columns: [
          ['CONTAINER ID', 'ID'],
          ['IMAGE', 'Image'],
          ['COMMAND', 'Command'],
          ['CREATED', 'RunningFor'],
          ['STATUS', 'Status'],
          ['PORTS', 'Ports'],
          ['NAMES', 'Names'],
          ...(values.size ? ([['SIZE', 'Size']] as const) : []),
        ],
        headings: containerHeadings,
      },
    );
    return 0;
  },
});
