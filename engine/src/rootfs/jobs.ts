/** What can be done with the root of a container. Everything here is synchronous, and runs in a thread of its own. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { close, lstatat, readlinkat, S_IFDIR, S_IFLNK, S_IFMT } from '#lib/sys/file';
import type { Change } from '#lib/pack/change';
import { LayerArchive } from '#lib/pack/layer-archive';
import { contentOf, namedIn } from '#lib/pack/whole-tree';
import { LayerApplier } from '#lib/unpack/apply-layer';
import { errorCode, StackError } from '#spec/errors';
import { ownerInside, ownerOnHost, type IdMaps, type Owner } from '../userns/id-map.ts';
import { listChanges } from './list-changes.ts';
import { openInRoot, pathOf } from './open-root.ts';
import type { PathStat, RootJob } from './protocol.ts';

type JobOf<Kind extends RootJob['kind']> = Extract<RootJob, { kind: Kind }>;

const readBytes = 256 * 1024;
/** Small pieces of an archive are written together. */
const writeBytes = 256 * 1024;

/** Carries out a job on the root that `root` is open on. */
export function runJob(root: number, job: RootJob): unknown {
  switch (job.kind) {
    case 'stat':
      return stat(root, job.path);
    case 'archive': {
      archive(root, job);
      return;
    }
    case 'export': {
      write(job.output, contentOf(pathOf(root)), job.ids);
      return;
    }
    case 'extract': {
      extract(root, job);
      return;
    }
    case 'changes':
      return listChanges(job.upper, pathOf(root), job.mountPoints);
    case 'copy': {
      copy(root, job);
      return;
    }
  }
}

function stat(root: number, path: string): PathStat {
  const fd = openInRoot(root, path, { followLast: wantsDirectory(path) });
  try {
    const { mode, sizeBytes, modificationTime } = lstatat(fd, '');
    const isLink = (mode & S_IFMT) === S_IFLNK;
    if (wantsDirectory(path) && (mode & S_IFMT) !== S_IFDIR) {
      throw new StackError('invalid_argument', `${path} is not a directory`);
    }
    return {
      name: nodePath.basename(path) || '/',
      size: sizeBytes,
      mode,
      mtime: timeOf(modificationTime),
      linkTarget: isLink ? targetOf(readlinkat(fd, '').toString(), path) : '',
    };
  } finally {
    close(fd);
  }
}

/** Where a link leads, as a path of the container. */
function targetOf(target: string, path: string): string {
  return nodePath.resolve(nodePath.dirname(path), target);
}

/** `a/` and `a/.` mean what is in the directory `a`, which may be a link to one. */
function wantsDirectory(path: string): boolean {
  return /\/\.?$/.test(path);
}

function archive(root: number, { path, output, ids }: JobOf<'archive'>): void {
  const trimmed = path.replace(/\/\.?$/, '');
  if (trimmed === '' || wantsDirectory(path)) {
    const fd = openInRoot(root, trimmed, { followLast: true });
    try {
      write(output, contentOf(pathOf(fd), { itself: true }), ids);
    } finally {
      close(fd);
    }
    return;
  }
  const parent = openInRoot(root, nodePath.dirname(path), { followLast: true });
  try {
    const missing = new StackError('not_found', `Could not find the file ${path} in container`);
    write(output, namedIn(pathOf(parent), nodePath.basename(path), missing), ids);
  } finally {
    close(parent);
  }
}

/** Writes changes as an archive; stops quietly when nobody reads any more. */
function write(output: number, changes: Iterable<Change>, ids: IdMaps | undefined): void {
  try {
    for (const chunk of inChunks(piecesOf(changes, ids))) {
      for (let offset = 0; offset < chunk.length;) offset += fs.writeSync(output, chunk, offset);
    }
  } catch (error) {
    if (errorCode(error) !== 'EPIPE') throw error;
  } finally {
    fs.closeSync(output);
  }
}

function* piecesOf(changes: Iterable<Change>, ids?: IdMaps): Generator<Buffer> {
  const packed = new LayerArchive(ids ? { owner: (found) => ownerInside(ids, found) } : {});
  for (const change of changes) yield* packed.add(change);
  yield packed.end();
}

function* inChunks(pieces: Iterable<Buffer>): Generator<Buffer> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    waiting.push(piece);
    bytes += piece.length;
    if (bytes < writeBytes) continue;
    yield Buffer.concat(waiting);
    [waiting, bytes] = [[], 0];
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}

function extract(root: number, { path, input, keepKinds, owner, ids }: JobOf<'extract'>): void {
  const fd = openInRoot(root, path, { followLast: true });
  try {
    if ((lstatat(fd, '').mode & S_IFMT) !== S_IFDIR) {
      throw new StackError('invalid_argument', 'extraction point is not a directory');
    }
    const applier = new LayerApplier(pathOf(fd), {
      whiteouts: 'none',
      keepKinds,
      ...((owner ?? ids) && { owner: (said) => hostOwner(owner ?? said, ids) }),
    });
    try {
      const buffer = Buffer.allocUnsafe(readBytes);
      for (;;) {
        const length = fs.readSync(input, buffer);
        if (length === 0) break;
        applier.write(buffer.subarray(0, length));
      }
      applier.end();
    } finally {
      applier.close();
    }
  } catch (error) {
    if (errorCode(error) === 'EROFS') {
      throw new StackError('permission_denied', 'container rootfs or volume is marked read-only', {
        cause: error,
      });
    }
    throw error;
  } finally {
    close(fd);
    fs.closeSync(input);
  }
}

/** Throws invalid_argument, in docker's words, for who is nobody on the host. */
function hostOwner(owner: Owner, ids: IdMaps | undefined): Owner {
  if (!ids) return owner;
  const found = ownerOnHost(ids, owner);
  if (found) return found;
  throw new StackError(
    'invalid_argument',
    `Container ID ${owner.uid}:${owner.gid} cannot be mapped to a host ID`,
  );
}

function copy(root: number, { path, target }: JobOf<'copy'>): void {
  let fd: number;
  try {
    fd = openInRoot(root, path, { followLast: true });
  } catch (error) {
    if (error instanceof StackError && error.kind === 'not_found') return; // the image has nothing there
    throw error;
  }
  try {
    if ((lstatat(fd, '').mode & S_IFMT) !== S_IFDIR) return;
    const applier = new LayerApplier(target, { whiteouts: 'none' });
    try {
      for (const piece of piecesOf(contentOf(pathOf(fd), { itself: true }))) applier.write(piece);
      applier.end();
    } finally {
      applier.close();
    }
  } finally {
    close(fd);
  }
}

function timeOf({ seconds, nanoseconds }: { seconds: number; nanoseconds: number }): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  const fraction = String(nanoseconds).padStart(9, '0').replace(/0+$/, '');
  return `${whole}${fraction === '' ? '' : `.${fraction}`}Z`;
}
