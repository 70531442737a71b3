/** /volumes: create, list, inspect, remove, prune. */
import { optional, record, string } from '#spec/json-decoder';
import { isStackError } from '#spec/errors';
import { goObject } from '../../api/go-json.ts';
import type { EventLog } from '../../daemon/event-log.ts';
import { isAtLeast } from '../../http/api-version.ts';
import { booleanFilter, matchesLabels, type Filters } from '../../http/query.ts';
import type { Route } from '../../http/router.ts';
import { diskUsage } from '../../volumes/disk-usage.ts';
import type { VolumeService } from '../../volumes/volume-service.ts';
import type { VolumeRecord } from '../../volumes/volume-store.ts';

const decodeCreate = goObject<{
  Name?: string;
  Driver?: string;
  DriverOpts?: Record<string, string>;
  Labels?: Record<string, string>;
}>({
  Name: optional(string),
  Driver: optional(string),
  DriverOpts: optional(record(string)),
  Labels: optional(record(string)),
});

const listFilters = ['dangling', 'driver', 'label', 'name'] as const;
const pruneFilters = ['all', 'label', 'label!'] as const;

export function volumeRoutes(volumes: VolumeService, events: EventLog): Route[] {
  const describe = (volume: VolumeRecord): object => ({
    CreatedAt: volume.createdAt,
    Driver: 'local',
    Labels: volume.labels,
    Mountpoint: volumes.dataFolder(volume.name),
    Name: volume.name,
    Options: Object.keys(volume.options).length > 0 ? volume.options : null,
    Scope: 'local',
  });
  return [
    {
      method: 'GET',
      path: '/volumes',
      handler: async ({ query }, response) => {
        const filters = query.filters(listFilters);
        const dangling = booleanFilter(filters, 'dangling');
        const chosen = volumes
          .list()
          .filter((volume) => matches(volume, filters))
          .filter(
            ({ name }) =>
              dangling === undefined || dangling === (volumes.usersOf(name).length === 0),
          );
        response.json(200, { Volumes: chosen.map(describe), Warnings: null });
      },
    },
    {
      method: 'POST',
      path: '/volumes/create',
      handler: async (request, response) => {
        const body = (await request.json()) ?? {};
        const { Name = '', Driver = '', DriverOpts = {}, Labels = {} } = decodeCreate(body, '');
        const volume = await volumes.create({
          name: Name,
          driver: Driver,
          options: DriverOpts,
          labels: Labels,
        });
        response.json(201, describe(volume));
      },
    },
    {
      method: 'POST',
      path: '/volumes/prune',
      handler: async ({ query, version }, response) => {
        const filters = query.filters(pruneFilters);
        // Until 1.41 prune took named volumes, too.
        const all = !isAtLeast(version, '1.42') || booleanFilter(filters, 'all') === true;
        const pruned = await prune(volumes, filters, all);
        events.publish('volume', 'prune', '', { reclaimed: String(pruned.SpaceReclaimed) });
        response.json(200, pruned);
      },
    },
    {
      method: 'GET',
      path: '/volumes/{name}',
      handler: async (request, response) => {
        response.json(200, describe(volumes.get(request.parameter('name'))));
      },
    },
    {
      method: 'DELETE',
      path: '/volumes/{name}',
      handler: async (request, response) => {
        const force = request.query.boolean('force');
        await volumes.remove(request.parameter('name')).catch((error: unknown) => {
          if (!force || !isStackError(error, 'not_found')) throw error;
        });
        response.empty(204);
      },
    },
  ];
}

function matches({ name, labels }: VolumeRecord, filters: Filters): boolean {
  const any = (key: (typeof listFilters)[number], holds: (value: string) => boolean): boolean => {
    const values = filters.get(key);
    return !values || values.length === 0 || values.some(holds);
  };
  return (
    any('name', (value) => name.includes(value)) &&
    any('driver', (value) => value === 'local') &&
    matchesLabels(labels, filters.get('label'))
  );
}

async function prune(
  volumes: VolumeService,
  filters: Filters,
  all: boolean,
): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }> {
  const unwanted = filters.get('label!') ?? [];
  const deleted: string[] = [];
  let reclaimed = 0;
  for (const { name, labels, anonymous } of volumes.list()) {
    if (!(all || anonymous) || volumes.usersOf(name).length > 0) continue;
    if (!matchesLabels(labels, filters.get('label'))) continue;
    if (unwanted.some((label) => matchesLabels(labels, [label]))) continue;
    const bytes = await diskUsage(volumes.dataFolder(name));
    try {
      await volumes.remove(name);
    } catch (error) {
      if (isStackError(error, 'conflict') || isStackError(error, 'not_found')) continue;
      throw error;
    }
    deleted.push(name);
    reclaimed += bytes;
  }
  return { VolumesDeleted: deleted, SpaceReclaimed: reclaimed };
}
