/** The files of a container: looked at, copied in and out, packed as a whole, compared with the image. */
import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { expandArchive } from '#lib/unpack/expand-archive';
import { StackError } from '#spec/errors';
import {
  ProcessRootFiles,
  SnapshotRootFiles,
  type SnapshotMount,
} from '../container-spec/root-files.ts';
import { tmpfsDestinations } from '../container-spec/mounts.ts';
import { resolveUser } from '../container-spec/user.ts';
import type { PathChange, PathStat, RootView } from '../rootfs/protocol.ts';
import {
  extractIntoRoot,
  packFromRoot,
  runInRoot,
  statInRoot,
  type ArchiveStream,
} from '../rootfs/root-thread.ts';
import type { IdMaps } from '../userns/id-map.ts';
import type { Container } from './container.ts';
import { publishContainerEvent } from './container-events.ts';
import type { Engine } from './engine.ts';
import { remappingOf, rootMountsOf } from './root-mounts.ts';

export interface ExtractOptions {
  /** A directory of the container. */
  path: string;
  /** Refuse to put a directory where something else is, and the other way round. */
  keepKinds: boolean;
  /** Give everything to the user that the container runs as. */
  ownedByUser: boolean;
}

/** What stands at a path. Throws not_found. */
export async function statPath(
  engine: Engine,
  container: Container,
  target: string,
): Promise<PathStat> {
  return statInRoot(await viewOf(engine, container, { readonly: true }), absolute(target));
}

/** An archive of a path, and what stands there. Throws not_found. */
export async function archivePath(
  engine: Engine,
  container: Container,
  target: string,
): Promise<{ stat: PathStat; archive: ArchiveStream }> {
  const view = await viewOf(engine, container, { readonly: true });
  const stat = await statInRoot(view, absolute(target));
  const archive = packFromRoot(view, { path: absolute(target), ids: idsOf(engine, container) });
  publishContainerEvent(engine, container, 'archive-path');
  return { stat, archive };
}

/** Unpacks an archive into a directory. Throws not_found, permission_denied for what is mounted read-only. */
export async function extractArchive(
  engine: Engine,
  container: Container,
  archive: Readable,
  { path: target, keepKinds, ownedByUser }: ExtractOptions,
): Promise<void> {
  const extract = async (): Promise<void> => {
    const { hostConfig } = container.record;
    if (hostConfig.ReadonlyRootfs && !isOnVolume(container, absolute(target))) {
      throw new StackError('permission_denied', 'container rootfs is marked read-only');
    }
    const view = await viewOf(engine, container, { readonly: false });
    const owner = ownedByUser ? await userOf(engine, container) : undefined;
    const ids = idsOf(engine, container);
    const plain = Readable.from(expandArchive(archive), { objectMode: false });
    await extractIntoRoot(view, plain, {
      ...(ids && { ids }),
      path: absolute(target),
      keepKinds,
      ...(owner && { owner }),
    });
  };
  // Nothing may start on a root that is mounted here for writing.
  await (container.isRunning ? extract() : container.mutex.run(extract));
  publishContainerEvent(engine, container, 'extract-to-dir');
}

/** All files of a container, without what is mounted into it. */
export async function exportRoot(engine: Engine, container: Container): Promise<ArchiveStream> {
  const mounts = await rootMountsOf(engine, container.record);
  const folder = await viewFolder(engine);
  const archive = packFromRoot(
    { kind: 'mounts', mounts, readonly: true, binds: [], folder },
    { ids: idsOf(engine, container) },
  );
  publishContainerEvent(engine, container, 'export');
  return archive;
}

/** What a container has changed in its image. Throws unimplemented for snapshotters other than overlays. */
export async function changesOf(engine: Engine, container: Container): Promise<PathChange[]> {
  const mounts = await rootMountsOf(engine, container.record);
  const overlay = mounts.find(({ type }) => type === 'overlay');
  const option = (name: string): string | undefined =>
    overlay?.options.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
  const [upper, lower] = [option('upperdir'), option('lowerdir')];
  if (!overlay || upper === undefined || lower === undefined) {
    throw new StackError(
      'unimplemented',
      `changes of containers on the snapshotter "${container.record.snapshotter}" are not implemented by this engine`,
    );
  }
  const view: RootView = {
    kind: 'mounts',
    // Of one directory alone the kernel makes no overlay: it is what lies below.
    mounts: lower.includes(':')
      ? [{ ...overlay, options: [`lowerdir=${lower}`] }]
      : [{ type: 'bind', source: lower, options: [] }],
    readonly: true,
    binds: [],
    folder: await viewFolder(engine),
  };
  const mountPoints = [
    ...['/etc/hostname', '/etc/hosts', '/etc/resolv.conf', '/dev', '/proc', '/sys'],
    ...container.record.mounts.map(({ destination }) => destination),
    ...tmpfsDestinations(container.record.hostConfig),
  ];
  const job = { kind: 'changes', upper, mountPoints } as const;
  return (await runInRoot(view, job)) as PathChange[]; // what the job returns
}

/** Fills an empty folder with what an image has at `source`. */
export async function copyFromSnapshot(
  engine: Engine,
  mounts: readonly SnapshotMount[],
  source: string,
  target: string,
): Promise<void> {
  const folder = await viewFolder(engine);
  const view: RootView = { kind: 'mounts', mounts, readonly: true, binds: [], folder };
  await runInRoot(view, { kind: 'copy', path: source, target });
}

/** The root as the container's processes see it, or would. */
async function viewOf(
  engine: Engine,
  container: Container,
  { readonly }: { readonly: boolean },
): Promise<RootView> {
  if (container.isRunning) return { kind: 'process', pid: container.state.pid };
  return {
    kind: 'mounts',
    mounts: await rootMountsOf(engine, container.record),
    readonly,
    binds: container.record.mounts.map((mount) => ({
      source: mount.type === 'bind' ? mount.source : engine.volumes.dataFolder(mount.name),
      ...(mount.type === 'volume' && mount.subpath !== undefined && { subpath: mount.subpath }),
      destination: mount.destination,
      writable: mount.writable,
    })),
    folder: await viewFolder(engine),
  };
}

function idsOf(engine: Engine, { record }: Container): IdMaps | undefined {
  return remappingOf(engine, record)?.maps;
}

/** An empty folder that threads mount on, each in a namespace of its own. */
async function viewFolder({ paths }: Engine): Promise<string> {
  const folder = path.join(paths.execRoot, 'rootfs');
  await fs.promises.mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

async function userOf(engine: Engine, container: Container): Promise<{ uid: number; gid: number }> {
  const { config, hostConfig } = container.record;
  const files = container.isRunning
    ? new ProcessRootFiles(container.state.pid)
    : new SnapshotRootFiles(await rootMountsOf(engine, container.record));
  const { uid, gid } = resolveUser(config.User, hostConfig.GroupAdd ?? [], files);
  return { uid, gid };
}

function isOnVolume({ record }: Container, target: string): boolean {
  return record.mounts.some(
    ({ destination, writable }) =>
      writable && (target === destination || target.startsWith(`${destination}/`)),
  );
}

/** Paths of the API count from the root, with or without a slash; a slash at the end has a meaning. */
function absolute(target: string): string {
  if (target === '') throw new StackError('invalid_argument', 'path cannot be empty');
  const normalized = path.posix.normalize(`/${target}`);
  // `a/.` and `a/` both mean what is in it.
  return /\/\.$/.test(target) && !normalized.endsWith('/') ? `${normalized}/` : normalized;
}
