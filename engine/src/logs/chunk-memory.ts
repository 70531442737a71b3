/** Memory for output on its way: given back and used again, because buffers of this size keep the collector busy. */

const chunkBytes = 320 * 1024;
const keptChunks = 4;

const free: Buffer[] = [];

/** At least `length` bytes, whatever they hold. */
export function takeChunk(length: number): Buffer {
  return (
    (length <= chunkBytes && free.pop()) || Buffer.allocUnsafeSlow(Math.max(length, chunkBytes))
  );
}

/** Nobody looks at `chunk` any more. */
export function giveBack(chunk: Buffer): void {
  if (chunk.length === chunkBytes && free.length < keptChunks) free.push(chunk);
}
