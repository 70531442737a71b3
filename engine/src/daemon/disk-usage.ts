/** `GET /system/df`: what images, containers and volumes take. */
import path from 'node:path';
import { isAtLeast, type ApiVersion } from '../http/api-version.ts';
import { diskUsage } from '../volumes/disk-usage.ts';
import type { Engine } from './engine.ts';
import { summarizeContainer } from './list-containers.ts';

/** Kinds that a client may ask for alone. */
export const diskUsageTypes = ['container', 'image', 'volume', 'build-cache'] as const;
export type DiskUsageType = (typeof diskUsageTypes)[number];

/** Measures the kinds that are wanted, in docker's shape: the others are null. */
export async function measureDiskUsage(
  engine: Engine,
  wanted: ReadonlySet<DiskUsageType>,
  version: ApiVersion,
): Promise<object> {
  const { images, containers, volumes, client } = engine;
  const summaries = wanted.has('image') ? await images.list({}) : [];
  return {
    LayersSize: summaries.reduce((sum, { Size }) => sum + Size, 0),
    Images: !wanted.has('image')
      ? null
      : summaries.map((summary) =>
          isAtLeast(version, '1.44') ? summary : { ...summary, VirtualSize: summary.Size },
        ),
    Containers: !wanted.has('container')
      ? null
      : await Promise.all(
          containers.list().map(async (container) => {
            const { snapshotter, snapshotKey: key } = container.record;
            const usage = await client.snapshots.usage({ snapshotter, key }).catch(() => undefined);
            const summary = summarizeContainer(engine, container, version);
            return { ...(summary as object), SizeRw: usage?.size ?? 0 }; // one entry of the list
          }),
        ),
    Volumes: !wanted.has('volume')
      ? null
      : await Promise.all(
          volumes.list().map(async ({ name, createdAt, labels, options }) => ({
            CreatedAt: createdAt,
            Driver: 'local',
            Labels: labels,
            Mountpoint: volumes.dataFolder(name),
            Name: name,
            Options: Object.keys(options).length > 0 ? options : null,
            Scope: 'local',
            UsageData: {
              RefCount: volumes.usersOf(name).length,
              Size: await diskUsage(path.resolve(volumes.dataFolder(name))),
            },
          })),
        ),
    BuildCache: wanted.has('build-cache') ? [] : null,
  };
}
