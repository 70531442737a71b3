/** Content of regular files as it stands in an archive. */
import fs from 'node:fs';
import { seekData, seekHole } from '#lib/sys/file';
import { blockSize } from '#lib/unpack/tar-header';
import type { SparseMap, SparseSegment } from '#lib/unpack/tar-entry';

/** Bytes read at once. */
const readBytes = 256 * 1024;
/**
 * Holes smaller than this together are written as zeros: the image specification advises against sparse entries. A file
 * with larger ones, such as a lastlog of a terabyte, could not be packed at all without them.
 */
const sparseFromBytes = 16 * 1024 * 1024;

/** The parts of an open file that have data, if its holes are worth a sparse entry. */
export function sparseMapOf(
  fd: number,
  { sizeBytes, allocatedBytes }: { sizeBytes: number; allocatedBytes: number },
): SparseMap | undefined {
  if (sizeBytes - allocatedBytes < sparseFromBytes) return undefined;
  const segments: SparseSegment[] = [];
  let dataBytes = 0;
  for (let at = 0; at < sizeBytes;) {
    const offset = seekData(fd, at);
    if (offset === undefined || offset >= sizeBytes) break;
    at = Math.min(seekHole(fd, offset), sizeBytes);
    segments.push({ offset, length: at - offset });
    dataBytes += at - offset;
  }
  // Compressed files too take less than their size, without holes.
  return sizeBytes - dataBytes < sparseFromBytes
    ? undefined
    : { segments, fileSizeBytes: sizeBytes };
}

/** The map in front of the content of GNU sparse format 1.0, filled up to whole blocks. */
export function encodeSparseMap({ segments }: SparseMap): Buffer {
  const numbers = [segments.length, ...segments.flatMap(({ offset, length }) => [offset, length])];
  const text = Buffer.from(`${numbers.join('\n')}\n`);
  return Buffer.concat([text, Buffer.alloc((blockSize - (text.length % blockSize)) % blockSize)]);
}

/**
 * `length` bytes of a file from `offset` on. A file that has become shorter is filled up with zeros: its header has
 * promised a size.
 */
export function* readSegment(fd: number, { offset, length }: SparseSegment): Generator<Buffer> {
  for (let done = 0; done < length;) {
    const chunk = Buffer.allocUnsafe(Math.min(readBytes, length - done));
    const read = fs.readSync(fd, chunk, 0, chunk.length, offset + done);
    if (read === 0) chunk.fill(0);
    const bytes = read === 0 ? chunk : chunk.subarray(0, read);
    done += bytes.length;
    yield bytes;
  }
}
