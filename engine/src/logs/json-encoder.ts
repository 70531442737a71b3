/** Raw output to lines of docker's json-file format: `{"log":"…\n","stream":"stdout","time":"…"}`. */
import { formatTimestamp } from '#proto/timestamp';
import type { Timestamp } from '#proto/generated/google.protobuf';
import type { OutputStream } from '../daemon/output.ts';
import type { EncodedEntries, LogAttributes, LogEncoder } from './log-format.ts';
import {
  JsonMachine,
  lineEndAddress,
  slack,
  type MachineRegion,
  type MachineState,
} from './json-machine.ts';
import { longestEntry } from './output-lines.ts';

const opening = Buffer.from('{"log":"');
const escapedNewline = Buffer.from('\\n');

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
/** Memory that is taken at once, and that is kept: what is larger was needed for a block of nothing but newlines. */
const usualRoom = 512 * 1024;
const keptBytes = 8 * 1024 * 1024;

/** One for all encoders, because each result is used before the next is made. */
let machine: JsonMachine | undefined;

export class JsonEncoder implements LogEncoder {
  readonly #attributes: string;

  constructor(attributes: LogAttributes) {
    this.#attributes = Object.keys(attributes).length > 0 ? `"attrs":${goJson(attributes)},` : '';
  }

  encode(bytes: Buffer, stream: OutputStream, time: Timestamp): EncodedEntries {
    const closing = Buffer.from(
      `","stream":"${stream}",${this.#attributes}"time":"${formatTimestamp(time)}"}\n`,
    );
    if (!machine || machine.memory.length > keptBytes) machine = new JsonMachine(escapes);
    return new Encoding(machine, bytes, closing).result();
  }
}

/** One block of output on its way through the machine. */
class Encoding {
  readonly #machine: JsonMachine;
  /** Each entry but the last is closed together with the opening of the next. */
  readonly #cut: Buffer;
  readonly #region: MachineRegion;
  readonly #endsStart: number;
  readonly #state: MachineState;

  constructor(loop: JsonMachine, bytes: Buffer, closing: Buffer) {
    this.#machine = loop;
    this.#cut = Buffer.concat([closing, opening]);
    const lineEnd = Buffer.concat([escapedNewline, this.#cut]);
    const input = lineEndAddress + lineEnd.length + slack;
    const end = input + bytes.length;
    this.#endsStart = (end + slack) & ~7;
    const output = this.#endsStart + 8 * (bytes.length + 1);
    loop.reserve(output + usualRoom + lineEnd.length);
    loop.memory.set(lineEnd, lineEndAddress);
    loop.memory.set(bytes, input);
    loop.memory.set(opening, output);
    const to = output + opening.length;
    this.#region = { input, end, output: to, lineEndLength: lineEnd.length };
    this.#state = { at: input, to, entryStart: input, ends: this.#endsStart };
  }

  result(): EncodedEntries {
    const state = this.#state;
    const { end, output, lineEndLength } = this.#region;
    while (state.entryStart < end) {
      this.#machine.run(state, this.#region);
      if (state.entryStart === end) break;
      this.#machine.reserve(state.to + longestEscape * longestEntry + lineEndLength + 4 * slack);
      // A line may end with its newline at the limit; a longer one is cut where a character ends.
      const limit = Math.min(end, state.entryStart + longestEntry);
      if (state.at === limit || !this.#encodeOther(limit)) this.#endEntry();
    }
    const { memory } = this.#machine;
    const ends = new Int32Array(
      memory.buffer,
      this.#endsStart,
      (state.ends - this.#endsStart) / Int32Array.BYTES_PER_ELEMENT,
    );
    return { entries: memory.subarray(output - opening.length, state.to - opening.length), ends };
  }

  /** What the machine leaves: zeros, and characters of several bytes. False before one that crosses the limit. */
  #encodeOther(limit: number): boolean {
    const { memory } = this.#machine;
    const state = this.#state;
    let { at, to } = state;
    let fits = true;
    while (at < limit) {
      const byte = memory[at] ?? 0;
      if (byte === 0) {
        const endOfRun = endOfZeros(memory, at, limit);
        memory.set(zeros.subarray(0, longestEscape * (endOfRun - at)), to);
        to += longestEscape * (endOfRun - at);
        at = endOfRun;
      } else if (byte >= 0x80) {
        const length = characterLength(memory, at, this.#region.end);
        fits = at + length <= limit;
        if (!fits) break;
        to = length === 0 ? put(memory, invalid, to) : putCharacter(memory, memory, at, length, to);
        at += length || 1;
      } else break;
    }
    state.at = at;
    state.to = to;
    return fits;
  }

  /** In the middle of a line, or at the end of the block. */
  #endEntry(): void {
    const { memory } = this.#machine;
    const { input, output } = this.#region;
    const state = this.#state;
    state.to = put(memory, this.#cut, state.to);
    memory.writeInt32LE(state.at - input, state.ends);
    memory.writeInt32LE(state.to - output, state.ends + 4);
    state.ends += 8;
    state.entryStart = state.at;
  }
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

/** Bytes of the character of UTF-8 at `at`, whose first byte is not ASCII; 0 if there is none before `end`. */
function characterLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] ?? 0;
  const second = bytes[at + 1] ?? 0;
  const continues = (offset: number): boolean =>
    at + offset < end && ((bytes[at + offset] ?? 0) & 0xc0) === 0x80;
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
