/** The volumes of a container: found or made when it is created, mounted while it runs, removed with it when asked. */
import fs from 'node:fs';
import { isStackError, StackError } from '#spec/errors';
import type { ContainerConfig } from '../api/container-config.ts';
import type { HostConfig } from '../api/host-config.ts';
import {
  checkedDestination,
  newVolume,
  type ContainerMount,
} from '../container-spec/container-mount.ts';
import { besideDataRoot, possiblePropagation } from '../container-spec/propagation.ts';
import { requestedMounts, type MountDefaults } from '../container-spec/requested-mounts.ts';
import { tmpfsDestinations, type PlacedMount } from '../container-spec/mounts.ts';
import type { VolumeUsers } from '../volumes/volume-service.ts';
import type { Container, ContainerRecord } from './container.ts';
import { copyFromSnapshot } from './container-files.ts';
import type { ContainerStore } from './container-store.ts';
import type { Engine } from './engine.ts';
import { subpathTarget } from './private-mounts.ts';
import { rootMountsOf } from './root-mounts.ts';

/** Who uses a volume, by what the containers' records say. */
export function volumeUsers(containers: ContainerStore): VolumeUsers {
  return (name) =>
    containers
      .list()
      .filter(({ record }) => volumeNames(record).includes(name))
      .map(({ id }) => id);
}

/**
 * Everything a new container is to mount: what it takes over from others, what it asks for, what the image's VOLUME
 * declares, each destination once, the later beating those taken over. Throws invalid_argument for a destination that
 * is asked for twice, not_found for a container that VolumesFrom names.
 */
export function containerMountsOf(
  { containers, paths }: Pick<Engine, 'containers' | 'paths'>,
  config: ContainerConfig,
  hostConfig: HostConfig,
  defaults: MountDefaults,
): ContainerMount[] {
  const byDestination = new Map<string, ContainerMount>();
  for (const text of hostConfig.VolumesFrom ?? []) {
    const { name, writable } = parseVolumesFrom(text);
    for (const mount of containers.get(name).record.mounts) {
      byDestination.set(mount.destination, { ...mount, writable: writable && mount.writable });
    }
  }
  const asked = new Set<string>(tmpfsDestinations(hostConfig));
  for (const mount of requestedMounts(hostConfig, defaults)) {
    const { destination } = mount;
    if (asked.has(destination)) {
      throw new StackError('invalid_argument', `Duplicate mount point: ${destination}`);
    }
    asked.add(destination);
    byDestination.set(
      destination,
      mount.type === 'bind' ? besideDataRoot(mount, paths.dataRoot) : mount,
    );
  }
  for (const declared of Object.keys(config.Volumes ?? {})) {
    const destination = checkedDestination(declared);
    if (!asked.has(destination) && !byDestination.has(destination)) {
      byDestination.set(destination, newVolume(destination));
    }
  }
  return [...byDestination.values()].filter(({ destination }) => !tmpfsAt(hostConfig, destination));
}

function tmpfsAt(hostConfig: HostConfig, destination: string): boolean {
  return tmpfsDestinations(hostConfig).includes(destination);
}

/** `CONTAINER[:ro|rw[,z]]`. */
function parseVolumesFrom(text: string): { name: string; writable: boolean } {
  const [name = '', mode = 'rw', ...rest] = text.split(':');
  const options = mode.split(',');
  const known = options.every((option) => ['ro', 'rw', 'z', 'Z', 'nocopy'].includes(option));
  if (name === '' || !known || rest.length > 0) {
    throw new StackError('invalid_argument', `invalid volumes-from specification: ${text}`);
  }
  return { name, writable: !options.includes('ro') };
}

/** Volumes that exist for a container which does not yet, with how to give them back. */
export interface PreparedVolumes {
  mounts: ContainerMount[];
  /** Ends the promise that the volumes are kept. */
  settle(): void;
  /** Removes what was made, after a create that failed. */
  discard(): Promise<void>;
}

/** Makes the volumes that do not exist yet, and keeps all from removal until the container's record names them. */
export async function prepareVolumes(
  { volumes, logger }: Engine,
  wanted: readonly ContainerMount[],
): Promise<PreparedVolumes> {
  const made: string[] = [];
  const promises: (() => void)[] = [];
  const settle = (): void => promises.splice(0).forEach((end) => end());
  const discard = async (): Promise<void> => {
    settle();
    for (const name of made) {
      await volumes.remove(name).catch((error: unknown) => {
        if (isStackError(error, 'conflict') || isStackError(error, 'not_found')) return;
        logger.warn('cannot remove a volume of a failed create', { name, error });
      });
    }
  };
  const mounts: ContainerMount[] = [];
  try {
    for (const mount of wanted) {
      if (mount.type === 'bind') {
        mounts.push(mount);
        continue;
      }
      const { driver, driverOptions: options, labels } = mount;
      const known = new Set(volumes.list().map(({ name }) => name));
      const { name } = await volumes.create({ name: mount.name, driver, options, labels });
      promises.push(volumes.promise(name));
      if (!known.has(name)) made.push(name);
      mounts.push({ ...mount, name });
    }
  } catch (error) {
    await discard();
    throw error;
  }
  return { mounts, settle, discard };
}

/** Fills volumes that are empty with what the image has at their destination. */
export async function fillVolumes(engine: Engine, record: ContainerRecord): Promise<void> {
  const { volumes } = engine;
  for (const mount of record.mounts) {
    // The image's files at the destination are not those of the whole volume.
    if (mount.type !== 'volume' || !mount.copy || mount.subpath !== undefined) continue;
    const folder = volumes.dataFolder(mount.name);
    await volumes.mount(mount.name, record.id);
    try {
      if ((await fs.promises.readdir(folder)).length > 0) continue;
      const mounts = await rootMountsOf(engine, record);
      await copyFromSnapshot(engine, mounts, mount.destination, folder);
    } finally {
      await volumes.unmount(mount.name, record.id);
    }
  }
}

/** Makes the files of a container's volumes appear, for its start. */
export async function mountVolumes({ volumes }: Engine, container: Container): Promise<void> {
  for (const name of volumeNames(container.record)) await volumes.mount(name, container.id);
}

/** Tells of what {@link mountVolumes} did, mount by mount. */
export function publishVolumeMounts({ events }: Engine, { record, id }: Container): void {
  for (const mount of record.mounts) {
    if (mount.type !== 'volume') continue;
    events.publish('volume', 'mount', mount.name, {
      container: id,
      destination: mount.destination,
      driver: 'local',
      propagation: '',
      'read/write': String(mount.writable),
    });
  }
}

/** Takes back {@link mountVolumes}; for what was never mounted nothing happens. */
export async function unmountVolumes(
  { volumes, events }: Engine,
  { record, id }: Container,
): Promise<void> {
  const unmounted = new Set<string>();
  for (const name of volumeNames(record)) {
    if (await volumes.unmount(name, id)) unmounted.add(name);
  }
  for (const mount of record.mounts) {
    if (mount.type !== 'volume' || !unmounted.has(mount.name)) continue;
    events.publish('volume', 'unmount', mount.name, { container: id, driver: 'local' });
  }
}

/** Notes at the engine's start what containers that may have a task hold. */
export function holdVolumes({ volumes }: Engine, { record, id }: Container): void {
  for (const name of volumeNames(record)) volumes.hold(name, id);
}

/** Removes the anonymous volumes that only this container, which is gone, had. */
export async function removeAnonymousVolumes(
  { volumes, logger }: Engine,
  record: ContainerRecord,
): Promise<void> {
  for (const name of volumeNames(record)) {
    const volume = volumes.list().find((candidate) => candidate.name === name);
    if (!volume?.anonymous || volumes.usersOf(name).length > 0) continue;
    await volumes.remove(name).catch((error: unknown) => {
      if (isStackError(error, 'conflict') || isStackError(error, 'not_found')) return;
      logger.warn('cannot remove an anonymous volume', { name, error });
    });
  }
}

/** Each mount with the path of the host that it shows while the container runs. */
export function placedMounts(
  { volumes, paths }: Engine,
  { id, mounts }: ContainerRecord,
): PlacedMount[] {
  return mounts.map((mount, index) => {
    if (mount.type === 'bind') {
      return { mount: possiblePropagation(mount), source: mount.source };
    }
    const isPart = mount.subpath !== undefined;
    const source = isPart ? subpathTarget(paths, id, index) : volumes.dataFolder(mount.name);
    return { mount, source };
  });
}

function volumeNames({ mounts }: ContainerRecord): string[] {
  return [...new Set(mounts.flatMap((mount) => (mount.type === 'volume' ? [mount.name] : [])))];
}
