/** `engine volume create|ls|inspect|rm` */
import { defineCommand, forEachName } from '../command-line/command.ts';
import { boolean, format, list, missing, text } from '../command-line/flags.ts';
import { keyValues } from '../command-line/parse.ts';
import { filterQuery } from '../client/filters.ts';
import { chosenFormat } from '../config/settings.ts';
import { printRows } from '../format/listing.ts';
import { showLabels } from '../format/truncate.ts';
import { humanSize } from '../format/units.ts';
import { printInspected } from './inspect.ts';

interface Volume {
  Name: string;
  Driver: string;
  Mountpoint: string;
  Scope: string;
  Labels: Record<string, string> | null;
  UsageData?: { RefCount: number; Size: number } | null;
}

export const volumeCreate = defineCommand({
  synopsis: '[OPTIONS] [VOLUME]',
  arguments: { min: 0, max: 1 },
  flags: {
    driver: text('Specify volume driver name', 'd', 'string', '"local"'),
    label: list('Set metadata for a volume'),
    opt: list('Set driver specific options', 'o', 'map', 'map[]'),
    // Volumes of a cluster need a swarm.
    ...missing(
      ...['availability', 'group', 'limit-bytes', 'required-bytes', 'scope', 'secret', 'sharing'],
      ...['topology-preferred', 'topology-required', 'type'],
    ),
  },
  async run({ client }, { driver = 'local', label, opt }, [name = '']) {
    const volume = await client.json<Volume>('POST', '/volumes/create', {
      body: { Name: name, Driver: driver, DriverOpts: keyValues(opt), Labels: keyValues(label) },
    });
    process.stdout.write(`${volume.Name}\n`);
    return 0;
  },
});

export const volumeList = defineCommand({
  synopsis: '[OPTIONS]',
  arguments: { min: 0, max: 0 },
  flags: {
    filter: list('Provide filter values (e.g. "dangling=true")', 'f', 'filter'),
    format: format(),
    quiet: boolean('Only display volume names', 'q'),
    ...missing('cluster'),
  },
  async run({ client }, { filter, format, quiet }) {
    const { Volumes: volumes } = await client.json<{ Volumes: Volume[] | null }>(
      'GET',
      '/volumes',
      { query: { filters: filterQuery(filter) } },
    );
    const rows = (volumes ?? []).map(({ Name, Driver, Mountpoint, Scope, Labels, UsageData }) => ({
      ...{ Name, Driver, Mountpoint, Scope },
      Labels: showLabels(Labels),
      Label: (name: string) => Labels?.[name] ?? '',
      Links: UsageData ? String(UsageData.RefCount) : 'N/A',
      Size: UsageData ? humanSize(UsageData.Size, 4) : 'N/A',
      ...{ Availability: 'N/A', Group: 'N/A', Status: 'N/A' },
    }));
    rows.sort((a, b) => (a.Name < b.Name ? -1 : 1));
    printRows(rows, {
      format: chosenFormat(format, 'volumesFormat'),
      quiet: quiet ? 'Name' : undefined,
      columns: [
        ['DRIVER', 'Driver'],
        ['VOLUME NAME', 'Name'],
      ],
      headings: {
        Mountpoint: 'MOUNTPOINT',
        Scope: 'SCOPE',
        Labels: 'LABELS',
        Links: 'LINKS',
        Size: 'SIZE',
      },
    });
    return 0;
  },
});

export const volumeInspect = defineCommand({
  synopsis: '[OPTIONS] VOLUME [VOLUME...]',
  arguments: { min: 1 },
  flags: { format: format('f', false) },
  async run({ client }, { format }, names) {
    return printInspected(names, format, (name) => client.json('GET', `/volumes/${name}`));
  },
});

export const volumeRemove = defineCommand({
  synopsis: '[OPTIONS] VOLUME [VOLUME...]',
  description:
    'Remove one or more volumes. You cannot remove a volume that is in use by a container.',
  arguments: { min: 1 },
  flags: { force: boolean('Force the removal of one or more volumes', 'f') },
  async run({ client }, { force }, names) {
    return forEachName(names, async (name) => {
      await client.json('DELETE', `/volumes/${name}`, { query: { force: force ? 1 : undefined } });
      process.stdout.write(`${name}\n`);
    });
  },
});
