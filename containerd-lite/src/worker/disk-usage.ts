/** What a tree takes on disk. */
import { TreeNode, using } from '#lib/pack/tree-node';
import type { JobResults } from './protocol.ts';

/** Blocks and inodes below a directory, itself included; files with several links count once. */
export function diskUsage(directory: string): JobResults['usage'] {
  const seen = new Set<bigint>();
  let size = 0;
  for (const { status } of nodesBelow(TreeNode.root(directory))) {
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
