/** `engine ps` */
import { defineCommand } from '../command-line/command.ts';
import { boolean, list, text } from '../command-line/flags.ts';
import { UsageError, splitOnce } from '../command-line/parse.ts';
import { printRows } from '../format/listing.ts';
import { humanDuration, humanSize, parseInteger } from '../format/units.ts';

interface ContainerSummary {
  Id: string;
  Names: string[];
  Image: string;
  Command: string;
  Created: number;
  State: string;
  Status: string;
  Ports?: { IP?: string; PrivatePort: number; PublicPort?: number; Type: string }[];
  Labels?: Record<string, string>;
  SizeRw?: number;
  SizeRootFs?: number;
}

/** `--filter name=web` for each, as the API wants them: `{"name":["web"]}`. Throws {@link UsageError} for `name`. */
export function filterQuery(filters: readonly string[]): string | undefined {
  if (filters.length === 0) return undefined;
  const grouped: Record<string, string[]> = {};
  for (const filter of filters) {
    const [key, value] = splitOnce(filter, '=');
    if (value === undefined)
      throw new UsageError(
        `invalid argument "${filter}" for "-f, --filter" flag: bad format of filter (expected name=value)`,
      );
    (grouped[key] ??= []).push(value);
  }
  return JSON.stringify(grouped);
}

export const ps = defineCommand({
  name: 'ps',
  synopsis: '[OPTIONS]',
  summary: 'List containers',
  arguments: { min: 0, max: 0 },
  flags: {
    all: boolean('Show all containers (default shows just running)', 'a'),
    filter: list('Filter output based on conditions provided', 'f', 'filter'),
    format: text("Format output: 'table', 'json' or a Go template"),
    last: text('Show n last created containers (includes all states)', 'n', 'int'),
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
    const containers = await client.json<ContainerSummary[]>('GET', '/containers/json', {
      query: {
        all: values.all ? 1 : undefined,
        limit: last,
        filters: filterQuery(values.filter),
        size: values.size ? 1 : undefined,
      },
    });
    const shorten = (text: string, length: number): string =>
      values['no-trunc'] || text.length <= length ? text : `${text.slice(0, length - 1)}…`;
    const rows = containers.map((container) => ({
      ID: values['no-trunc'] ? container.Id : container.Id.slice(0, 12),
      Image: container.Image,
      Command: `"${shorten(container.Command, 20)}"`,
      RunningFor: `${humanDuration(Date.now() - container.Created * 1000)} ago`,
      Status: container.Status,
      Ports: (container.Ports ?? []).map(showPort).join(', '),
      Names: container.Names.map((name) => name.replace(/^\//, '')).join(','),
      State: container.State,
      Labels: Object.entries(container.Labels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
      CreatedAt: new Date(container.Created * 1000).toISOString(),
      Size: `${humanSize(container.SizeRw ?? 0)} (virtual ${humanSize(container.SizeRootFs ?? 0)})`,
    }));
    printRows(rows, {
      format: values.format,
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
    });
    return 0;
  },
});

function showPort({
  IP,
  PrivatePort,
  PublicPort,
  Type,
}: NonNullable<ContainerSummary['Ports']>[number]): string {
  const inside = `${PrivatePort}/${Type}`;
  if (PublicPort === undefined || PublicPort === 0) return inside;
  const address = IP?.includes(':') ? `[${IP}]` : (IP ?? '0.0.0.0');
  return `${address}:${PublicPort}->${inside}`;
}
