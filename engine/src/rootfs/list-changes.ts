/** What a container has changed in its image: its overlay's upper directory beside what lies below. */
import { S_IFCHR, S_IFMT } from '#lib/sys/file';
import { TreeNode, using } from '#lib/pack/tree-node';
import type { PathChange } from './protocol.ts';

/** All changes, parents before children; a directory in which something changed is modified, as docker has it. */
export function listChanges(
  upper: string,
  lower: string,
  mountPoints: readonly string[],
): PathChange[] {
  const ignored = new Set(mountPoints);
  return [
    ...using(TreeNode.root(upper), (above) =>
      using(TreeNode.root(lower), (below) => changesIn(above, below, ignored)),
    ),
  ];
}

function* changesIn(
  above: TreeNode,
  below: TreeNode | undefined,
  ignored: ReadonlySet<string>,
): Generator<PathChange> {
  const names = above.names();
  for (const name of names) {
    const node = above.child(name);
    if (!node) continue;
    const old = below?.child(name);
    try {
      yield* using(node, (present) => changesOf(present, old, ignored));
    } finally {
      old?.close();
    }
  }
  if (!below?.isDirectory || !isOpaque(above)) return;
  for (const name of below.names()) {
    if (!names.includes(name)) yield { path: pathOf(above, name), kind: 'deleted' };
  }
}

function* changesOf(
  node: TreeNode,
  old: TreeNode | undefined,
  ignored: ReadonlySet<string>,
): Generator<PathChange> {
  const path = `/${Buffer.from(node.path, 'latin1').toString()}`;
  if (!old && ignored.has(path) && isEmpty(node)) return;
  if (isWhiteout(node)) {
    if (old) yield { path, kind: 'deleted' };
    return;
  }
  if (!node.isDirectory) {
    yield { path, kind: old ? 'modified' : 'added' };
    return;
  }
  const inside = [...changesIn(node, old?.isDirectory ? old : undefined, ignored)];
  if (!old) yield { path, kind: 'added' };
  else if (inside.length > 0 || !old.isDirectory || !sameAttributes(node, old)) {
    yield { path, kind: 'modified' };
  }
  yield* inside;
}

function isEmpty(node: TreeNode): boolean {
  return node.isDirectory ? node.names().length === 0 : node.isFile && node.status.sizeBytes === 0;
}

/** A character device 0:0, overlayfs's mark for what is gone. */
function isWhiteout({ status: { mode, rdev } }: TreeNode): boolean {
  return (mode & S_IFMT) === S_IFCHR && rdev.major === 0 && rdev.minor === 0;
}

function isOpaque(directory: TreeNode): boolean {
  const marks = ['trusted.overlay.opaque', 'user.overlay.opaque'];
  return marks.some((name) => directory.xattrs().get(name)?.toString() === 'y');
}

function sameAttributes({ status: a }: TreeNode, { status: b }: TreeNode): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
}

function pathOf(directory: TreeNode, name: string): string {
  const path = directory.path === '' ? name : `${directory.path}/${name}`;
  return `/${Buffer.from(path, 'latin1').toString()}`;
}
