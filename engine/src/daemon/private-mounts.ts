/**
 * Mounts on the host that exist for one container: below `mounts/ID` of the exec root, made before its start and gone
 * after its end. What a killed engine left there is found by the next one.
 */
import fs from 'node:fs';
import path from 'node:path';
import { readMounts } from '#lib/mounts/mountinfo';
import { umountFlags } from '#lib/sys/flags';
import { errorCode } from '#spec/errors';
import type { ContainerRecord } from './container.ts';
import type { Engine } from './engine.ts';
import type { EnginePaths } from './paths.ts';
import { remappingOf } from './root-mounts.ts';

function privateFolder({ execRoot }: EnginePaths, containerId = ''): string {
  return path.join(execRoot, 'mounts', containerId);
}

/** Where the /dev/shm of a container lies that shares it with others. */
export function sharedMemoryFolder(paths: EnginePaths, containerId: string): string {
  return path.join(privateFolder(paths, containerId), 'shm');
}

/** Makes the /dev/shm that several containers will bind. */
export async function mountSharedMemory(
  engine: Pick<Engine, 'kernel' | 'paths' | 'remapping'>,
  record: ContainerRecord,
): Promise<void> {
  const { kernel, paths } = engine;
  const target = sharedMemoryFolder(paths, record.id);
  const { uid, gid } = remappingOf(engine, record)?.root ?? { uid: 0, gid: 0 };
  await fs.promises.mkdir(target, { recursive: true, mode: 0o700 });
  await kernel.call('mountFileSystem', {
    source: 'shm',
    target,
    type: 'tmpfs',
    options: [
      ...['nodev', 'noexec', 'nosuid', 'mode=1777'],
      ...[`size=${record.hostConfig.ShmSize}`, `uid=${uid}`, `gid=${gid}`],
    ],
  });
}

/** Where the part of a volume lies that a container mounts, by the place of the mount in its record. */
export function subpathTarget(paths: EnginePaths, containerId: string, index: number): string {
  return path.join(privateFolder(paths, containerId), `subpath-${index}`);
}

/** Makes the parts of volumes appear that a container mounts; its volumes must be mounted. Throws as bindBeneath. */
export async function bindSubpaths(
  { kernel, paths, volumes }: Pick<Engine, 'kernel' | 'paths' | 'volumes'>,
  { id, mounts }: ContainerRecord,
): Promise<void> {
  for (const [index, mount] of mounts.entries()) {
    if (mount.type !== 'volume' || mount.subpath === undefined) continue;
    await fs.promises.mkdir(privateFolder(paths, id), { recursive: true, mode: 0o700 });
    await kernel.call('bindBeneath', {
      folder: volumes.dataFolder(mount.name),
      subpath: mount.subpath,
      target: subpathTarget(paths, id, index),
    });
  }
}

/** Takes away all mounts of a container; those that its processes have are copies of their own. */
export async function releasePrivateMounts(
  { kernel, paths }: Pick<Engine, 'kernel' | 'paths'>,
  containerId: string,
): Promise<void> {
  const folder = privateFolder(paths, containerId);
  if (!fs.existsSync(folder)) return;
  // Never by its parent's unmounting: something may be mounted twice at one place.
  const targets = readMounts()
    .map(({ mountPoint }) => mountPoint)
    .filter((mountPoint) => mountPoint.startsWith(`${folder}/`))
    .reverse();
  for (const target of targets) {
    await kernel.call('unmountFileSystem', { target, flags: umountFlags.MNT_DETACH });
  }
  await kernel.call('removeTree', { path: folder });
}

/** Takes away what belongs to containers other than `running`, at the engine's start. */
export async function releaseStaleMounts(
  engine: Pick<Engine, 'kernel' | 'paths' | 'logger'>,
  running: ReadonlySet<string>,
): Promise<void> {
  for (const containerId of await entriesOf(privateFolder(engine.paths))) {
    if (running.has(containerId)) continue;
    await releasePrivateMounts(engine, containerId).catch((error: unknown) => {
      engine.logger.warn('cannot take back mounts', { container: containerId, error });
    });
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await fs.promises.readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
