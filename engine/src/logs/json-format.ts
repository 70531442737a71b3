/** docker's json-file format: one JSON object per line. */
import { decodeJson } from './json-decoder.ts';
import { JsonEncoder } from './json-encoder.ts';
import type { LogFormat } from './log-format.ts';
import { newline } from './output-lines.ts';

const blockBytes = 64 * 1024;

export const jsonFormat: LogFormat = {
  createEncoder: (attributes) => new JsonEncoder(attributes),
  decode: decodeJson,
  async tail(file, size, wanted) {
    if (size === 0) return { found: 0, offset: 0 };
    const block = Buffer.allocUnsafe(blockBytes);
    let found = 0;
    for (let end = size; end > 0;) {
      const start = Math.max(0, end - blockBytes);
      await file.read(block.subarray(0, end - start), start);
      for (let at = end - start - 1; at >= 0; at--) {
        // The newline at the very end closes the last line; the one before line n+1 from the end is the place.
        if (block[at] !== newline || start + at === size - 1) continue;
        if (++found === wanted) return { found, offset: start + at + 1 };
      }
      end = start;
    }
    return { found: found + 1, offset: 0 }; // the first line has no newline before it
  },
};
