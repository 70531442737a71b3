/** The mounts that a container's root is made of, with the owners that the container is to see. */
import type { Mount } from '#proto/generated/containerd.types';
import type { Remapping } from '../userns/remapping.ts';
import type { ContainerRecord } from './container.ts';
import type { Engine } from './engine.ts';

/** How a container's ids differ from the host's; undefined for one that has the host's user namespace. */
export function remappingOf(
  { remapping }: Pick<Engine, 'remapping'>,
  { hostConfig }: Pick<ContainerRecord, 'hostConfig'>,
): Remapping | undefined {
  return hostConfig.UsernsMode === 'host' ? undefined : remapping;
}

/** As the container's processes see it. */
export async function rootMountsOf(
  engine: Pick<Engine, 'client' | 'remapping'>,
  record: ContainerRecord,
): Promise<Mount[]> {
  const mounts = await snapshotMounts(engine, record);
  return (await remappingOf(engine, record)?.inside(mounts)) ?? mounts;
}

/** Lets `action` look at it as an image made of it has it. */
export async function withImageMounts<Result>(
  engine: Pick<Engine, 'client' | 'remapping'>,
  record: ContainerRecord,
  action: (mounts: Mount[]) => Promise<Result>,
): Promise<Result> {
  const mounts = await snapshotMounts(engine, record);
  const remapping = remappingOf(engine, record);
  return remapping ? remapping.asImage(mounts, action) : action(mounts);
}

async function snapshotMounts(
  { client }: Pick<Engine, 'client'>,
  { snapshotter, snapshotKey: key }: ContainerRecord,
): Promise<Mount[]> {
  return (await client.snapshots.mounts({ snapshotter, key })).mounts;
}
