/** Names of archive entries as paths below the root, and the names that mean something other than themselves. */
import { malformed } from './tar-header.ts';
import { shownName, type ByteString } from './tar-entry.ts';

/** `a/b/c` split before its last component; both parts are empty for the root itself. */
export interface EntryPath {
  parent: ByteString;
  base: ByteString;
}

/**
 * The path that an entry's name means below the root: `/a`, `./a`, `a/` and `b/../../a` are all `a`.
 * It is free of `..`, so what remains to be guarded against are the symbolic links on the way.
 */
export function entryPathOf(name: ByteString): EntryPath {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  const base = parts.pop() ?? '';
  return { parent: parts.join('/'), base };
}

/** What a name beginning with `.wh.` stands for (OCI image specification, "Whiteouts"). */
export type Whiteout =
  /** Everything that lower layers have in this directory is gone. */
  | { kind: 'opaque' }
  /** What lower layers have under `name` is gone. */
  | { kind: 'remove'; name: ByteString }
  /** Book-keeping of aufs, which wrote the first layers; of no meaning to anyone else. */
  | { kind: 'metadata' };

const whiteoutPrefix = '.wh.';
const metadataPrefix = '.wh..wh.';

/** The whiteout that an entry is; undefined for an ordinary one. Throws for one that would remove a directory's own self. */
export function whiteoutOf({ parent, base }: EntryPath): Whiteout | undefined {
  if (parent.startsWith(metadataPrefix)) return { kind: 'metadata' };
  if (!base.startsWith(whiteoutPrefix)) return undefined;
  if (base === '.wh..wh..opq') return { kind: 'opaque' };
  if (base.startsWith(metadataPrefix)) return { kind: 'metadata' };
  const name = base.slice(whiteoutPrefix.length);
  if (name === '' || name === '.' || name === '..') {
    throw malformed(`whiteout "${shownName(base)}" names no file`);
  }
  return { kind: 'remove', name };
}
