/** Raw output cut into what makes one entry of a log: lines, and pieces of lines that are too long. */

/**
 * docker splits longer lines into entries of this many bytes; only the last one ends in a newline. Ours may be up to
 * three bytes shorter, because docker's cut loses a character that it goes through.
 */
export const longestEntry = 16 * 1024;

export const newline = 0x0a;

/** Where the bytes that can be written as whole entries end; what follows is a line whose end has not come yet. */
export function completeLength(bytes: Buffer): number {
  let end = bytes.lastIndexOf(newline) + 1;
  while (bytes.length - end > longestEntry) end = pieceEnd(bytes, end);
  return end;
}

/** The parts of `bytes` that make one entry each. */
export function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(newline, start);
    const lineEnd = found < 0 ? bytes.length : found + 1;
    const end = lineEnd - start > longestEntry ? pieceEnd(bytes, start) : lineEnd;
    lines.push(bytes.subarray(start, end));
    start = end;
  }
  return lines;
}

/** Where the entry ends that begins at `start`, in a line too long for one: not inside a character of UTF-8. */
export function pieceEnd(bytes: Buffer, start: number): number {
  const limit = start + longestEntry;
  if (limit >= bytes.length) return bytes.length;
  for (let end = limit; end > limit - 4; end--) {
    const isContinuation = ((bytes[end] ?? 0) & 0xc0) === 0x80;
    if (!isContinuation) return end;
  }
  return limit; // not UTF-8
}
