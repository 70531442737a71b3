/** `engine volume create|ls|inspect|rm|prune` */
import { defineCommand, forEachName } from '../command-line/command.ts';
import { boolean, list, text } from '../command-line/flags.ts';
import { keyValues } from '../command-line/parse.ts';
import { printRows } from '../format/listing.ts';
import { humanSize } from '../format/units.ts';
import { confirm } from '../terminal/confirm.ts';
import { printInspected } from './inspect.ts';
import { filterQuery } from './ps.ts';

interface Volume {
  Name: string;
  Driver: string;
  Mountpoint: string;
  Scope: string;
  Labels: Record<string, string> | null;
}

export const volumeCreate = defineCommand({
  name: 'volume create',
  synopsis: '[OPTIONS] [VOLUME]',
  summary: 'Create a volume',
  arguments: { min: 0, max: 1 },
  flags: {
    driver: text('Specify volume driver name', 'd'),
    label: list('Set metadata for a volume'),
    opt: list('Set driver specific options', 'o', 'map'),
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
  name: 'volume ls',
  synopsis: '[OPTIONS]',
  summary: 'List volumes',
  arguments: { min: 0, max: 0 },
  flags: {
    filter: list('Provide filter values (e.g. "dangling=true")', 'f', 'filter'),
    format: text("Format output: 'table', 'json' or a Go template"),
    quiet: boolean('Only display volume names', 'q'),
  },
  async run({ client }, { filter, format, quiet }) {
    const { Volumes: volumes } = await client.json<{ Volumes: Volume[] | null }>(
      'GET',
      '/volumes',
      { query: { filters: filterQuery(filter) } },
    );
    const rows = (volumes ?? []).map(({ Name, Driver, Mountpoint, Scope, Labels }) => ({
      Name,
      Driver,
      Mountpoint,
      Scope,
      Labels: Object.entries(Labels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
    }));
    rows.sort((a, b) => (a.Name < b.Name ? -1 : 1));
    printRows(rows, {
      format,
      quiet: quiet ? 'Name' : undefined,
      columns: [
        ['DRIVER', 'Driver'],
        ['VOLUME NAME', 'Name'],
      ],
    });
    return 0;
  },
});

export const volumeInspect = defineCommand({
  name: 'volume inspect',
  synopsis: '[OPTIONS] VOLUME [VOLUME...]',
  summary: 'Display detailed information on one or more volumes',
  arguments: { min: 1 },
  flags: { format: text("Format output: 'json' or a Go template", 'f') },
  async run({ client }, { format }, names) {
    return printInspected(names, format, (name) => client.json('GET', `/volumes/${name}`));
  },
});

export const volumeRemove = defineCommand({
  name: 'volume rm',
  synopsis: '[OPTIONS] VOLUME [VOLUME...]',
  summary: 'Remove one or more volumes',
  arguments: { min: 1 },
  flags: { force: boolean('Force the removal of one or more volumes', 'f') },
  async run({ client }, { force }, names) {
    return forEachName(names, async (name) => {
      await client.json('DELETE', `/volumes/${name}`, { query: { force: force ? 1 : undefined } });
      process.stdout.write(`${name}\n`);
    });
  },
});

export const volumePrune = defineCommand({
  name: 'volume prune',
  synopsis: '[OPTIONS]',
  summary: 'Remove unused local volumes',
  arguments: { min: 0, max: 0 },
  flags: {
    all: boolean('Remove all unused volumes, not just anonymous ones', 'a'),
    filter: list('Provide filter values (e.g. "label=<label>")', undefined, 'filter'),
    force: boolean('Do not prompt for confirmation', 'f'),
  },
  async run({ client }, { all, filter, force }) {
    const kind = all ? 'all local volumes' : 'anonymous local volumes';
    if (
      !force &&
      !(await confirm(`WARNING! This will remove ${kind} not used by at least one container.`))
    ) {
      return 0;
    }
    const { VolumesDeleted: deleted, SpaceReclaimed: reclaimed } = await client.json<{
      VolumesDeleted: string[] | null;
      SpaceReclaimed: number;
    }>('POST', '/volumes/prune', {
      query: { filters: filterQuery([...filter, ...(all ? ['all=1'] : [])]) },
    });
    if (deleted && deleted.length > 0) {
      process.stdout.write(`Deleted Volumes:\n${deleted.join('\n')}\n\n`);
    }
    process.stdout.write(`Total reclaimed space: ${humanSize(reclaimed)}\n`);
    return 0;
  },
});
