/** Raw output to lines of docker's json-file format: `{"log":"…\n","stream":"stdout","time":"…"}`. */
import type { OutputStream } from '../daemon/output.ts';

/**
 * docker splits longer lines into entries of this many bytes; only the last one ends in a newline. Ours may be up to
 * three bytes shorter, because docker's cut loses a character that it goes through.
 */
export const longestEntry = 16 * 1024;

const newline = 0x0a;

/** Where the bytes that can be written as whole entries end; what follows is a line whose end has not come yet. */
export function completeLength(bytes: Buffer): number {
  let end = bytes.lastIndexOf(newline) + 1;
  while (bytes.length - end > longestEntry) end = pieceEnd(bytes, end);
  return end;
}

/** Entries for `bytes`, which end at a place found by {@link completeLength} (or at the end of the output). */
export function formatEntries(bytes: Buffer, stream: OutputStream, time: string): string {
  const suffix = `","stream":"${stream}","time":"${time}"}\n`;
  const between = `\\n${suffix}{"log":"`;
  return runs(bytes)
    .map((run) => {
      const ended = run.at(-1) === newline;
      const lines = escape(ended ? run.subarray(0, -1) : run).replaceAll('\n', between);
      return `{"log":"${lines}${ended ? '\\n' : ''}${suffix}`;
    })
    .join('');
}

/** The parts of `bytes` that make one entry each: lines, and pieces of lines that are too long. */
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

/** Stretches of whole lines that are short enough, and the pieces of those that are not. */
function runs(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  let start = 0;
  let checked = 0;
  const take = (end: number) => {
    if (end > start) found.push(bytes.subarray(start, end));
    start = checked = end;
  };
  while (checked < bytes.length) {
    const window = checked + longestEntry;
    if (window >= bytes.length && bytes.at(-1) === newline) break;
    const end = bytes.lastIndexOf(newline, Math.min(window, bytes.length) - 1) + 1;
    if (end > checked) {
      checked = end;
    } else {
      take(checked);
      take(pieceEnd(bytes, checked));
    }
  }
  take(bytes.length);
  return found;
}

/** Where the entry ends that begins at `start`, in a line too long for one: not inside a character of UTF-8. */
function pieceEnd(bytes: Buffer, start: number): number {
  const limit = start + longestEntry;
  if (limit >= bytes.length) return bytes.length;
  for (let end = limit; end > limit - 4; end--) {
    const isContinuation = ((bytes[end] ?? 0) & 0xc0) === 0x80;
    if (!isContinuation) return end;
  }
  return limit; // not UTF-8
}

/** What docker escapes inside a JSON string; newlines are left for the caller. */
function escape(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.replace(/["\\<>&\u0000-\u0009\u000b-\u001f\u2028\u2029\ufffd]/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  if (character === '\r') return '\\r';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
