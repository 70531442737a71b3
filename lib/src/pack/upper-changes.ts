/**
 * What the upper directory of an overlay adds to the lower ones: everything it holds, with overlayfs's marks for what is
 * gone (Documentation/filesystems/overlayfs.rst).
 */
import { S_IFCHR, S_IFMT } from '#lib/sys/file';
import type { Change } from './change.ts';
import { layerXattrs, sameXattrs } from './layer-xattrs.ts';
import { using, type TreeNode } from './tree-node.ts';

/** Prefixes of overlayfs's attributes: with privileges, and for mounts made with `userxattr`. */
const markPrefixes = ['trusted.overlay.', 'user.overlay.'] as const;

/** The upper directory does not hold all that the overlay shows: the two trees must be compared as mounted. */
export class NotSelfContained extends Error {}

/**
 * The changes that `upper` makes to the overlay below it, whose uppermost directory is `lower`. Throws
 * {@link NotSelfContained} where a file's content or a directory's children are elsewhere.
 */
export function* upperChanges(upper: TreeNode, lower: TreeNode): Generator<Change> {
  const [a, b] = [upper.status, lower.status];
  const isSameRoot =
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    sameXattrs(layerXattrs(upper.xattrs()), layerXattrs(lower.xattrs()));
  if (!isSameRoot) yield { kind: 'present', node: upper };
  yield* directoryChanges(upper);
}

function* directoryChanges(directory: TreeNode): Generator<Change> {
  for (const name of directory.names()) {
    const child = directory.child(name);
    if (!child) continue;
    yield* using(child, function* (node): Generator<Change> {
      if (isWhiteout(node)) {
        yield { kind: 'removed', parent: directory, name };
        return;
      }
      requireSelfContained(node);
      yield { kind: 'present', node };
      if (!node.isDirectory) return;
      if (markOf(node, 'opaque') === 'y') yield { kind: 'opaque', node };
      yield* directoryChanges(node);
    });
  }
}

function isWhiteout({ status: { mode, rdev } }: TreeNode): boolean {
  return (mode & S_IFMT) === S_IFCHR && rdev.major === 0 && rdev.minor === 0;
}

function requireSelfContained(node: TreeNode): void {
  const elsewhere =
    markOf(node, 'redirect') !== undefined ||
    markOf(node, 'metacopy') !== undefined ||
    markOf(node, 'opaque') === 'x'; // holds whiteouts in a form that only the kernel need know
  if (elsewhere) throw new NotSelfContained(node.path);
}

function markOf(node: TreeNode, mark: string): string | undefined {
  const xattrs = node.xattrs();
  for (const prefix of markPrefixes) {
    const value = xattrs.get(`${prefix}${mark}`);
    if (value) return value.toString('latin1');
  }
  return undefined;
}
