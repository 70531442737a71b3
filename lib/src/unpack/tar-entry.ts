/** What one entry of a tar archive says, whatever dialect it was written in. */
import type { Timespec } from '#lib/sys/file';

/**
 * Bytes as text, one character per byte (latin1): names in archives and on disk are bytes in no particular encoding,
 * and this keeps them apart from text while `/` and `.` read as themselves.
 */
export type ByteString = string;

export type TarEntryType =
  'file' | 'directory' | 'symlink' | 'link' | 'character' | 'block' | 'fifo';

export interface TarEntry {
  type: TarEntryType;
  name: ByteString;
  /** Target of a `symlink`, or name of the earlier entry that a `link` shares its inode with. */
  linkName: ByteString;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of content that follow in the archive; less than the file's size when it is sparse. */
  sizeBytes: number;
  modificationTime: Timespec;
  accessTime?: Timespec;
  /** Of `character` and `block`. */
  device: { major: number; minor: number };
  xattrs: ReadonlyMap<string, Buffer>;
  /** Where the content belongs, for a file with holes. */
  sparse?: SparseMap;
}

/** The parts of a sparse file that have content, in ascending order and without overlap. */
export interface SparseMap {
  segments: readonly SparseSegment[];
  /** Size of the file with its holes. */
  fileSizeBytes: number;
}

export interface SparseSegment {
  offset: number;
  length: number;
}

/** Bytes as people read them, for messages. */
export function shownName(name: ByteString): string {
  return Buffer.from(name, 'latin1').toString('utf8');
}
