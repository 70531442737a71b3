/** One difference between two trees, as the two ways to find them report it. */
import type { ByteString } from '#lib/unpack/tar-entry';
import type { TreeNode } from './tree-node.ts';

export type Change =
  /** New, or other than before. The node is open until the next change is asked for. */
  | { kind: 'present'; node: TreeNode }
  /** The same as before, but one of several names of a file whose other names may have changed. */
  | { kind: 'unchanged link'; node: TreeNode }
  /** Not there any more. */
  | { kind: 'removed'; parent: TreeNode; name: ByteString }
  /** Nothing that was in this directory before is there any more, except what is reported. Comes before its content. */
  | { kind: 'opaque'; node: TreeNode };
