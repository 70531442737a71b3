/** Where the last n lines of a log begin, found from its end without reading the rest. */
import type { FileHandle } from 'node:fs/promises';

const blockBytes = 64 * 1024;
const newline = 0x0a;

export interface LogPosition {
  /** Index into the list of files. */
  file: number;
  offset: number;
}

/** The start of the last `lines` lines of `files` (oldest first), which all end in a newline. */
export async function tailPosition(
  files: readonly FileHandle[],
  lines: number,
): Promise<LogPosition> {
  let missing = lines;
  for (let file = files.length - 1; file >= 0; file--) {
    const handle = files[file];
    if (!handle) break;
    const { size } = await handle.stat();
    if (missing === 0) return { file, offset: size };
    const block = Buffer.allocUnsafe(blockBytes);
    for (let end = size; end > 0;) {
      const start = Math.max(0, end - blockBytes);
      await handle.read(block, 0, end - start, start);
      for (let at = end - start - 1; at >= 0; at--) {
        // The newline at the very end closes the last line; the one before line n+1 from the end is the place.
        if (block[at] !== newline || start + at === size - 1) continue;
        if (--missing === 0) return { file, offset: start + at + 1 };
      }
      end = start;
    }
    // The first line of a file has no newline before it.
    if (size > 0 && --missing === 0) return { file, offset: 0 };
  }
  return { file: 0, offset: 0 };
}
