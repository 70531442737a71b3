/** Everything that lies somewhere, in the order of an archive: a directory before what is in it. */
import type { Change } from './change.ts';
import { TreeNode, using } from './tree-node.ts';

/** Everything in a directory, and with `itself` the directory as `./` and all below it as `./name`, as dockerd names it. */
export function* contentOf(folder: string, { itself = false } = {}): Generator<Change> {
  yield* using(TreeNode.root(folder, itself ? '.' : ''), function* (node) {
    if (itself) yield { kind: 'present', node };
    yield* below(node);
  });
}

/** One thing in a directory, with all below it. Throws `missing` where there is none. */
export function* namedIn(folder: string, name: string, missing: Error): Generator<Change> {
  yield* using(TreeNode.root(folder), function* (parent) {
    const node = parent.child(Buffer.from(name).toString('latin1'));
    if (!node) throw missing;
    yield* using(node, withContent);
  });
}

function* withContent(node: TreeNode): Generator<Change> {
  yield { kind: 'present', node };
  if (node.isDirectory) yield* below(node);
}

function* below(directory: TreeNode): Generator<Change> {
  for (const name of directory.names()) {
    const node = directory.child(name);
    if (node) yield* using(node, withContent);
  }
}
