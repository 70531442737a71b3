/** The regular file whose content is being read. */
import { pwriteAll } from '#lib/sys/file';
import type { SparseSegment, TarEntry } from './tar-entry.ts';

export interface OpenFile {
  fd: number;
  entry: TarEntry;
  /** Segments still to be filled, and how much of the first one is. */
  segments: readonly SparseSegment[];
  segment: number;
  filled: number;
}

/** Spreads content over the parts of a sparse file that have some. */
export function writeSegments(file: OpenFile, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) {
    const segment = file.segments[file.segment];
    if (!segment) return; // the reader has made sure that segments and content match
    const take = Math.min(bytes.length - at, segment.length - file.filled);
    pwriteAll(file.fd, bytes.subarray(at, at + take), segment.offset + file.filled);
    at += take;
    file.filled += take;
    if (file.filled === segment.length) {
      file.segment++;
      file.filled = 0;
    }
  }
}
