/** What turns one tree into another, found by walking both. */
import fs from 'node:fs';
import { close } from '#lib/sys/file';
import type { Change } from './change.ts';
import { layerXattrs, sameXattrs } from './layer-xattrs.ts';
import { using, type TreeNode } from './tree-node.ts';

/** Bytes of two files compared at once. */
const compareBytes = 256 * 1024;
/** Reused for every file: fresh memory costs more than reading it full. */
const oldBytes = Buffer.allocUnsafeSlow(compareBytes);
const newBytes = Buffer.allocUnsafeSlow(compareBytes);

/**
 * The changes from `before` (nothing if it is undefined) to `after`, parents before children and names by their bytes.
 * The nodes are those of `after`.
 */
export function* compareTrees(before: TreeNode | undefined, after: TreeNode): Generator<Change> {
  if (before && !sameAttributes(before, after)) yield { kind: 'present', node: after };
  yield* compareDirectories(before, after);
}

function* compareDirectories(before: TreeNode | undefined, after: TreeNode): Generator<Change> {
  const names = new Set(after.names());
  for (const name of before?.names() ?? []) names.add(name);
  for (const name of [...names].sort()) {
    const present = after.child(name);
    const old = before?.child(name);
    try {
      if (present) yield* using(present, (node) => compareNodes(old, node));
      else if (old) yield { kind: 'removed', parent: after, name };
    } finally {
      old?.close();
    }
  }
}

function* compareNodes(before: TreeNode | undefined, after: TreeNode): Generator<Change> {
  const isSame = before !== undefined && isUnchanged(before, after);
  if (!isSame) yield { kind: 'present', node: after };
  else if (!after.isDirectory && after.status.links > 1) {
    yield { kind: 'unchanged link', node: after };
  }
  if (after.isDirectory) yield* compareDirectories(before?.isDirectory ? before : undefined, after);
}

function isUnchanged(before: TreeNode, after: TreeNode): boolean {
  if (isSameInode(before, after)) return true;
  if (!sameAttributes(before, after)) return false;
  return after.isDirectory || sameContent(before, after);
}

function isSameInode({ status: a }: TreeNode, { status: b }: TreeNode): boolean {
  return a.inode === b.inode && a.dev.major === b.dev.major && a.dev.minor === b.dev.minor;
}

/** Type, mode, owner, device number and extended attributes. */
function sameAttributes(before: TreeNode, after: TreeNode): boolean {
  const [a, b] = [before.status, after.status];
  return (
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.rdev.major === b.rdev.major &&
    a.rdev.minor === b.rdev.minor &&
    sameXattrs(layerXattrs(before.xattrs()), layerXattrs(after.xattrs()))
  );
}

/** By size and time, and by the bytes where the time may have lost its nanoseconds on the way through an archive. */
function sameContent(before: TreeNode, after: TreeNode): boolean {
  const [a, b] = [before.status, after.status];
  const [old, current] = [a.modificationTime, b.modificationTime];
  if (a.sizeBytes !== b.sizeBytes) return false;
  if (old.seconds !== current.seconds || old.nanoseconds !== current.nanoseconds) return false;
  if (after.isSymlink) return before.linkTarget() === after.linkTarget();
  return current.nanoseconds !== 0 || !after.isFile || sameBytes(before, after);
}

function sameBytes(before: TreeNode, after: TreeNode): boolean {
  const { sizeBytes } = after.status;
  if (sizeBytes === 0) return true;
  const old = before.openContent();
  try {
    const current = after.openContent();
    try {
      for (let position = 0; position < sizeBytes; position += compareBytes) {
        const size = Math.min(compareBytes, sizeBytes - position);
        const isRead =
          fill(old, oldBytes, size, position) && fill(current, newBytes, size, position);
        // One that has become shorter meanwhile has changed.
        if (!isRead || newBytes.compare(oldBytes, 0, size, 0, size) !== 0) return false;
      }
      return true;
    } finally {
      close(current);
    }
  } finally {
    close(old);
  }
}

/** Reads `size` bytes; false where the file ends before. */
function fill(fd: number, buffer: Buffer, size: number, position: number): boolean {
  for (let filled = 0; filled < size;) {
    const read = fs.readSync(fd, buffer, filled, size - filled, position + filled);
    if (read === 0) return false;
    filled += read;
  }
  return true;
}
