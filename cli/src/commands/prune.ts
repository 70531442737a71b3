/** `engine container|image|network|volume prune`, and `system prune`, which does all of them. */
import { StackError, isStackError } from '#spec/errors';
import { filterQuery } from '../client/filters.ts';
import type { EngineClient } from '../client/engine-client.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, list } from '../command-line/flags.ts';
import { withPruneFilters } from '../config/settings.ts';
import { humanSize } from '../format/units.ts';
import { confirm } from '../terminal/confirm.ts';

/** What a prune removed, as text, and how much room that gave. */
interface Pruned {
  text: string;
  reclaimed: number;
}

const filterFlag = (example: string) =>
  list(`Provide filter values (e.g. "${example}")`, undefined, 'filter');
const forceFlag = boolean('Do not prompt for confirmation', 'f');

export const containerPrune = defineCommand({
  synopsis: '[OPTIONS]',
  arguments: { min: 0, max: 0 },
  flags: { filter: filterFlag('until=<timestamp>'), force: forceFlag },
  async run({ client }, { filter: given, force }) {
    const filter = withPruneFilters(given);
    const warning = 'WARNING! This will remove all stopped containers.';
    if (!force && !(await confirm(warning))) return 0;
    return report(await pruneContainers(client, filter));
  },
});

export const imagePrune = defineCommand({
  synopsis: '[OPTIONS]',
  arguments: { min: 0, max: 0 },
  flags: {
    all: boolean('Remove all unused images, not just dangling ones', 'a'),
    filter: filterFlag('until=<timestamp>'),
    force: forceFlag,
  },
  async run({ client }, { all, filter: given, force }) {
    const filter = withPruneFilters(given);
    const which = all
      ? 'all images without at least one container associated to them'
      : 'all dangling images';
    if (!force && !(await confirm(`WARNING! This will remove ${which}.`))) return 0;
    return report(await pruneImages(client, filter, all));
  },
});

export const networkPrune = defineCommand({
  synopsis: '[OPTIONS]',
  arguments: { min: 0, max: 0 },
  flags: { filter: filterFlag('until=<timestamp>'), force: forceFlag },
  async run({ client }, { filter: given, force }) {
    const filter = withPruneFilters(given);
    const warning =
      'WARNING! This will remove all custom networks not used by at least one container.';
    if (!force && !(await confirm(warning))) return 0;
    const { text } = await pruneNetworks(client, filter);
    if (text !== '') process.stdout.write(`${text}\n`);
    return 0;
  },
});

export const volumePrune = defineCommand({
  synopsis: '[OPTIONS]',
  arguments: { min: 0, max: 0 },
  flags: {
    all: boolean('Remove all unused volumes, not just anonymous ones', 'a'),
    filter: filterFlag('label=<label>'),
    force: forceFlag,
  },
  async run({ client }, { all, filter: given, force }) {
    const filter = withPruneFilters(given);
    const which = all ? 'all local volumes' : 'anonymous local volumes';
    const warning = `WARNING! This will remove ${which} not used by at least one container.`;
    if (!force && !(await confirm(warning))) return 0;
    return report(await pruneVolumes(client, filter, all));
  },
});

export const systemPrune = defineCommand({
  synopsis: '[OPTIONS]',
  arguments: { min: 0, max: 0 },
  flags: {
    all: boolean('Remove all unused images not just dangling ones', 'a'),
    filter: filterFlag('label=<key>=<value>'),
    force: forceFlag,
    volumes: boolean('Prune anonymous volumes'),
  },
  async run({ client }, { all, filter: given, force, volumes }) {
    const filter = withPruneFilters(given);
    if (volumes && filter.some((value) => value.startsWith('until='))) {
      throw new StackError(
        'invalid_argument',
        'ERROR: The "until" filter is not supported with "--volumes"',
      );
    }
    if (!force && !(await confirm(systemWarning({ all, filter, volumes })))) return 0;
    const steps = [
      () => pruneContainers(client, filter),
      () => pruneNetworks(client, filter),
      ...(volumes ? [() => pruneVolumes(client, filter, false)] : []),
      () => pruneImages(client, filter, all),
      () => pruneBuildCache(client, filter, all),
    ];
    let reclaimed = 0;
    for (const step of steps) {
      const pruned = await step();
      reclaimed += pruned.reclaimed;
      if (pruned.text !== '') process.stdout.write(`${pruned.text}\n`);
    }
    process.stdout.write(`Total reclaimed space: ${humanSize(reclaimed, 4)}\n`);
    return 0;
  },
});

function systemWarning(flags: { all: boolean; filter: string[]; volumes: boolean }): string {
  const warnings = [
    'all stopped containers',
    'all networks not used by at least one container',
    ...(flags.volumes ? ['all anonymous volumes not used by at least one container'] : []),
    flags.all
      ? 'all images without at least one container associated to them'
      : 'all dangling images',
    flags.all ? 'all build cache' : 'unused build cache',
  ];
  const items = (lines: readonly string[]): string => lines.map((line) => `  - ${line}\n`).join('');
  const filters =
    flags.filter.length === 0
      ? ''
      : `\n  Items to be pruned will be filtered with:\n${items([...flags.filter].sort())}`;
  return `WARNING! This will remove:\n${items(warnings)}${filters}`;
}

function report({ text, reclaimed }: Pruned): number {
  if (text !== '') process.stdout.write(`${text}\n`);
  process.stdout.write(`Total reclaimed space: ${humanSize(reclaimed, 4)}\n`);
  return 0;
}

async function pruneContainers(client: EngineClient, filters: readonly string[]): Promise<Pruned> {
  const answer = await client.json<{
    ContainersDeleted: string[] | null;
    SpaceReclaimed: number;
  }>('POST', '/containers/prune', { query: { filters: filterQuery(filters) } });
  return removed('Deleted Containers', answer.ContainersDeleted, answer.SpaceReclaimed);
}

async function pruneNetworks(client: EngineClient, filters: readonly string[]): Promise<Pruned> {
  const answer = await client.json<{ NetworksDeleted: string[] | null }>(
    'POST',
    '/networks/prune',
    { query: { filters: filterQuery(filters) } },
  );
  return removed('Deleted Networks', answer.NetworksDeleted, 0);
}

async function pruneVolumes(
  client: EngineClient,
  filters: readonly string[],
  all: boolean,
): Promise<Pruned> {
  const answer = await client.json<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }>(
    'POST',
    '/volumes/prune',
    { query: { filters: filterQuery([...filters, ...(all ? ['all=true'] : [])]) } },
  );
  return removed('Deleted Volumes', answer.VolumesDeleted, answer.SpaceReclaimed);
}

async function pruneImages(
  client: EngineClient,
  filters: readonly string[],
  all: boolean,
): Promise<Pruned> {
  const answer = await client.json<{
    ImagesDeleted: { Untagged?: string; Deleted?: string }[] | null;
    SpaceReclaimed: number;
  }>('POST', '/images/prune', {
    query: { filters: filterQuery([...filters, `dangling=${all ? 'false' : 'true'}`]) },
  });
  const lines = (answer.ImagesDeleted ?? []).map(({ Untagged, Deleted }) =>
    Untagged !== undefined && Untagged !== ''
      ? `untagged: ${Untagged}`
      : `deleted: ${Deleted ?? ''}`,
  );
  return removed('Deleted Images', lines, answer.SpaceReclaimed);
}

/** A daemon without a builder has no cache of one. */
async function pruneBuildCache(
  client: EngineClient,
  filters: readonly string[],
  all: boolean,
): Promise<Pruned> {
  try {
    const answer = await client.json<{ CachesDeleted: string[] | null; SpaceReclaimed: number }>(
      'POST',
      '/build/prune',
      { query: { all: all ? 1 : undefined, filters: filterQuery(filters) } },
    );
    return removed('Deleted build cache objects', answer.CachesDeleted, answer.SpaceReclaimed);
  } catch (error) {
    if (!isStackError(error, 'unimplemented')) throw error;
    return { text: '', reclaimed: 0 };
  }
}

function removed(title: string, names: readonly string[] | null, reclaimed: number): Pruned {
  if (!names || names.length === 0) return { text: '', reclaimed: 0 };
  return { text: `${title}:\n${names.map((name) => `${name}\n`).join('')}`, reclaimed };
}
