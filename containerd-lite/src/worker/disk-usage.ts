/** What a tree takes on disk. */
import { compareTrees } from '#lib/pack/compare-trees';
import { TreeNode, using } from '#lib/pack/tree-node';
import type { JobResults } from './protocol.ts';

/**
 * Blocks and inodes below a directory, itself included; files with several links count once. With `base`, a tree that it
 * shares unchanged files with, only the others count.
 */
export function diskUsage(directory: string, base: string | undefined): JobResults['usage'] {
  const seen = new Set<bigint>();
  let size = 0;
  const root = TreeNode.root(directory);
  const counted = base === undefined ? nodesBelow(root) : changedNodes(base, root);
  for (const { status } of counted) {
    if (seen.has(status.inode)) continue;
    seen.add(status.inode);
    size += status.allocatedBytes;
  }
  return { size, inodes: seen.size };
}

function* nodesBelow(root: TreeNode): Generator<TreeNode> {
  yield* using(root, function* (node): Generator<TreeNode> {
    yield node;
    if (!node.isDirectory) return;
    for (const name of node.names()) {
      const child = node.child(name);
      if (child) yield* nodesBelow(child);
    }
  });
}

function* changedNodes(base: string, root: TreeNode): Generator<TreeNode> {
  yield* using(root, (after) =>
    using(TreeNode.root(base), function* (before): Generator<TreeNode> {
      for (const change of compareTrees(before, after)) {
        if (change.kind === 'present') yield change.node;
      }
    }),
  );
}
