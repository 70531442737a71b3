/** Raw output to lines of docker's json-file format: `{"log":"…\n","stream":"stdout","time":"…"}`. */
import { formatTimestamp } from '#proto/timestamp';
import type { Timestamp } from '#proto/generated/google.protobuf';
import type { OutputStream } from '../daemon/output.ts';
import type { EncodedEntries, LogAttributes, LogEncoder } from './log-format.ts';
import { longestEntry, newline } from './output-lines.ts';
import { largerScratch, scratch } from './scratch.ts';

const opening = Buffer.from('{"log":"');
const escapedNewline = Buffer.from('\\n');

/** Bytes that stand for themselves inside a JSON string as docker writes it: ASCII without controls, `"\<>&`. */
const isPlain = new Uint8Array(256);
for (let byte = 0x20; byte < 0x80; byte++)
  isPlain[byte] = '"\\<>&'.includes(String.fromCharCode(byte)) ? 0 : 1;

/** What stands for each other byte of ASCII. */
const escapes: readonly Uint8Array[] = Array.from({ length: 0x80 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (character === '"' || character === '\\') return Buffer.from(`\\${character}`);
  if (character === '\r') return Buffer.from('\\r');
  if (character === '\n') return Buffer.from('\\n');
  return Buffer.from(`\\u${byte.toString(16).padStart(4, '0')}`);
});

/** Zeros come in thousands when they come (dd, sparse files): they are copied in stretches. */
const zeros = Buffer.from('\\u0000'.repeat(longestEntry));
const noBytes = Buffer.alloc(longestEntry);
const invalid = Buffer.from('\\ufffd');

/** Bytes that one byte of output becomes at most. */
const longestEscape = 6;

export class JsonEncoder implements LogEncoder {
  readonly #attributes: string;
  readonly #text = new StringEncoder();

  constructor(attributes: LogAttributes) {
    this.#attributes = Object.keys(attributes).length > 0 ? `"attrs":${goJson(attributes)},` : '';
  }

  encode(bytes: Buffer, stream: OutputStream, time: Timestamp): EncodedEntries {
    const closing = Buffer.from(
      `","stream":"${stream}",${this.#attributes}"time":"${formatTimestamp(time)}"}\n`,
    );
    // Each entry but the last is closed together with the opening of the next.
    const cut = Buffer.concat([closing, opening]);
    const lineEnd = Buffer.concat([escapedNewline, cut]);
    const entryRoom = longestEscape * longestEntry + lineEnd.length;
    const text = this.#text;
    const ends: number[] = [];
    let out = scratch();
    out.set(opening);
    let at = opening.length;
    for (let start = 0; start < bytes.length;) {
      if (at + entryRoom > out.length) out = largerScratch(at, entryRoom);
      // A line may end with its newline at the limit; a longer one is cut where a character ends.
      const limit = Math.min(bytes.length, start + longestEntry);
      at = text.encode(bytes, start, limit, out, at);
      start = text.readTo;
      if (start < limit && bytes[start] === newline) {
        out.set(lineEnd, at);
        at += lineEnd.length;
        start++;
      } else {
        out.set(cut, at);
        at += cut.length;
      }
      ends.push(start, at - opening.length);
    }
    at -= opening.length;
    return { entries: out.subarray(0, at), ends };
  }
}

/** The inside of a JSON string, as far as a newline. */
class StringEncoder {
  /** Where the last call stopped reading: at a newline, at its limit, or before a character that crosses the limit. */
  readTo = 0;

  /** Returns where it stopped writing. */
  encode(bytes: Buffer, start: number, limit: number, out: Buffer, from: number): number {
    let at = from;
    let index = start;
    while (index < limit) {
      const plain = copyPlain(bytes, index, limit, out, at);
      index += plain;
      at += plain;
      if (index === limit) break;
      const byte = bytes[index] ?? 0;
      if (byte === newline) {
        break;
      } else if (byte === 0) {
        const end = endOfZeros(bytes, index, limit);
        const escaped = longestEscape * (end - index);
        out.set(escaped === zeros.length ? zeros : zeros.subarray(0, escaped), at);
        at += escaped;
        index = end;
      } else if (byte < 0x80) {
        at = put(out, escapes[byte] ?? invalid, at);
        index++;
      } else {
        const length = characterLength(bytes, index);
        if (index + length > limit) break;
        at = length === 0 ? put(out, invalid, at) : putCharacter(out, bytes, index, length, at);
        index += length || 1;
      }
    }
    this.readTo = index;
    return at;
  }
}

/** Copies what stands for itself; returns how many bytes. Apart from the rest, for it is what is done most. */
function copyPlain(
  bytes: Uint8Array,
  start: number,
  limit: number,
  out: Uint8Array,
  at: number,
): number {
  let index = start;
  for (let to = at; index < limit; index++, to++) {
    const byte = bytes[index] ?? 0;
    if (isPlain[byte] !== 1) break;
    out[to] = byte;
  }
  return index - start;
}

function endOfZeros(bytes: Buffer, start: number, limit: number): number {
  const length = limit - start;
  const mayBeAll = length > 64 && bytes[start + 64] === 0 && bytes[limit - 1] === 0;
  // One comparison of memory takes a tenth of the time of looking at each byte.
  if (mayBeAll && noBytes.compare(bytes, start, limit, 0, length) === 0) return limit;
  let end = start + 1;
  while (end < limit && bytes[end] === 0) end++;
  return end;
}

function put(out: Uint8Array, piece: Uint8Array, at: number): number {
  out.set(piece, at);
  return at + piece.length;
}

/** Copies one character of more than a byte; the two that end a line in JavaScript are escaped, as docker does. */
function putCharacter(
  out: Uint8Array,
  bytes: Uint8Array,
  from: number,
  length: number,
  at: number,
): number {
  if (length === 3 && bytes[from] === 0xe2 && bytes[from + 1] === 0x80) {
    if (bytes[from + 2] === 0xa8) return put(out, lineSeparator, at);
    if (bytes[from + 2] === 0xa9) return put(out, paragraphSeparator, at);
  }
  for (let index = 0; index < length; index++) out[at + index] = bytes[from + index] ?? 0;
  return at + length;
}

const lineSeparator = Buffer.from('\\u2028');
const paragraphSeparator = Buffer.from('\\u2029');

/** Bytes of the character of UTF-8 at `at`, whose first byte is not ASCII; 0 if there is none. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const second = bytes[at + 1] ?? 0;
  const continues = (offset: number): boolean => ((bytes[at + offset] ?? 0) & 0xc0) === 0x80;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!continues(1) || !continues(2)) return 0;
    if (first === 0xe0 && second < 0xa0) return 0; // could be shorter
    return first === 0xed && second > 0x9f ? 0 : 3; // half of a surrogate pair
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (first === 0xf0 && second < 0x90) return 0;
    return first === 0xf4 && second > 0x8f ? 0 : 4; // beyond the last code point
  }
  return 0;
}

/** As Go's encoder writes a map: keys in order, `<>&` escaped. */
function goJson(attributes: LogAttributes): string {
  const sorted = Object.fromEntries(
    Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  return JSON.stringify(sorted).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
