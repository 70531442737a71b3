/** Lines of docker's json-file format to entries. */
import type { OutputStream } from '../daemon/output.ts';
import type { LogAttributes, DecodedBlock, LogEntry } from './log-format.ts';
import { newline } from './output-lines.ts';

const quote = 0x22;
const backslash = 0x5c;
const opening = Buffer.from('{"log":"');
const afterLog = {
  stdout: Buffer.from(',"stream":"stdout","time":"'),
  stderr: Buffer.from(',"stream":"stderr","time":"'),
};
/** `"}` */
const closingLength = 2;

/** The whole lines of `block`. A line that is no entry is passed over: the machine went down while it was written. */
export function decodeJson(block: Buffer): DecodedBlock {
  const text = Buffer.allocUnsafe(block.length); // escapes only make it longer
  const entries: LogEntry[] = [];
  let at = 0;
  let used = 0;
  for (;;) {
    const end = block.indexOf(newline, at);
    if (end < 0) return { entries, length: at };
    const entry = new UsualLine();
    if (entry.read(block, at, end, text, used)) {
      used = entry.textEnd;
      entries.push(entry);
    } else {
      const other = parseLine(block.toString('utf8', at, end));
      if (other) entries.push(other);
    }
    at = end + 1;
  }
}

/** A line with the fields that a log without options has, in their order. */
class UsualLine implements LogEntry {
  stream: OutputStream = 'stdout';
  readonly attributes = undefined;
  textEnd = 0;
  #block: Buffer = opening;
  #text: Buffer = opening;
  #textStart = 0;
  #timeStart = 0;
  #timeEnd = 0;

  get line(): Buffer {
    return this.#text.subarray(this.#textStart, this.textEnd);
  }

  get timeNano(): bigint {
    return nanoseconds(this.#block.toString('latin1', this.#timeStart, this.#timeEnd)) ?? 0n;
  }

  copyLine(target: Buffer, at: number): number {
    return this.#text.copy(target, at, this.#textStart, this.textEnd);
  }

  get lineLength(): number {
    return this.textEnd - this.#textStart;
  }

  /** Writes the text to `text` from `start` on. False for any other line. */
  read(block: Buffer, from: number, end: number, text: Buffer, start: number): boolean {
    if (!hasAt(block, from, opening)) return false;
    let at = from + opening.length;
    let to = start;
    for (;;) {
      const plain = copyUntilEscape(block, at, end, text, to);
      at += plain;
      to += plain;
      if (at >= end) return false;
      if (block[at] === quote) break;
      const escape = simpleEscapes[block[at + 1] ?? 0] ?? 0;
      if (escape > 0) {
        text[to++] = escape;
        at += 2;
        continue;
      }
      const code = unicodeEscape(block, at);
      if (code < 0) return false;
      to = putUtf8(text, code, to);
      at += 6;
    }
    at++;
    const { stdout, stderr } = afterLog;
    if (hasAt(block, at, stdout)) this.stream = 'stdout';
    else if (hasAt(block, at, stderr)) this.stream = 'stderr';
    else return false;
    this.#timeStart = at + stdout.length;
    this.#timeEnd = end - closingLength;
    if (block[end - 1] !== 0x7d || block[end - 2] !== quote) return false;
    this.#block = block;
    this.#text = text;
    this.#textStart = start;
    this.textEnd = to;
    return true;
  }
}

function hasAt(block: Buffer, at: number, piece: Buffer): boolean {
  for (let index = 0; index < piece.length; index++) {
    if (block[at + index] !== piece[index]) return false;
  }
  return true;
}

/** Returns how many bytes precede the next quote, backslash or `end`. */
function copyUntilEscape(
  block: Uint8Array,
  start: number,
  end: number,
  text: Uint8Array,
  at: number,
): number {
  let index = start;
  for (let to = at; index < end; index++, to++) {
    const byte = block[index] ?? 0;
    if (byte === quote || byte === backslash) break;
    text[to] = byte;
  }
  return index - start;
}

/** What follows a backslash, and what it means. */
const simpleEscapes = new Uint8Array(256);
for (const [letter, byte] of Object.entries({
  '"': 0x22,
  '\\': 0x5c,
  '/': 0x2f,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
})) {
  simpleEscapes[letter.charCodeAt(0)] = byte;
}

/** The character of `\uXXXX`; -1 for what is none, and for halves of pairs, which need more than this. */
function unicodeEscape(block: Buffer, at: number): number {
  if (block[at + 1] !== 0x75) return -1;
  let code = 0;
  for (let index = at + 2; index < at + 6; index++) {
    const byte = block[index] ?? 0;
    const digit = byte < 0x3a ? byte - 0x30 : (byte | 0x20) - 0x57;
    if (digit < 0 || digit > 15) return -1;
    code = code * 16 + digit;
  }
  return code >= 0xd800 && code <= 0xdfff ? -1 : code;
}

function putUtf8(text: Buffer, code: number, at: number): number {
  if (code < 0x80) {
    text[at] = code;
    return at + 1;
  }
  if (code < 0x800) {
    text[at] = 0xc0 | (code >> 6);
    text[at + 1] = 0x80 | (code & 0x3f);
    return at + 2;
  }
  text[at] = 0xe0 | (code >> 12);
  text[at + 1] = 0x80 | ((code >> 6) & 0x3f);
  text[at + 2] = 0x80 | (code & 0x3f);
  return at + 3;
}

/** Any line that is an entry. */
function parseLine(line: string): LogEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { log, stream, time, attrs } = value as Readonly<Record<string, unknown>>; // checked below
  if (typeof log !== 'string' || typeof time !== 'string') return undefined;
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const timeNano = nanoseconds(time);
  if (timeNano === undefined) return undefined;
  const attributes =
    typeof attrs === 'object' && attrs !== null ? (attrs as LogAttributes) : undefined; // strings, as written
  return entryOf(stream, timeNano, Buffer.from(log), attributes);
}

/** An entry whose text is a buffer of its own. */
export function entryOf(
  stream: OutputStream,
  timeNano: bigint,
  line: Buffer,
  attributes?: LogAttributes,
): LogEntry {
  return {
    stream,
    timeNano,
    line,
    attributes,
    lineLength: line.length,
    copyLine: (target, at) => line.copy(target, at),
  };
}

/** Nanoseconds since 1970 of an RFC 3339 time. */
function nanoseconds(time: string): bigint | undefined {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? '';
  const seconds = Date.parse(time.replace(/\.\d+/, ''));
  if (Number.isNaN(seconds)) return undefined;
  return BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
}
