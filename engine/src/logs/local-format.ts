/**
 * docker's local format: records of a message of protobuf between its length (32 bits, big-endian) and the same again,
 * so that the file can be read from either end. The message is moby's `LogEntry`:
 *
 *   1 source  2 time_nano  3 line (without newline)  4 partial  5 { 1 last  2 id  3 ordinal }  6 attrs { 1 key  2 value }
 */
import { randomBytes } from 'node:crypto';
import type { Timestamp } from '#proto/generated/google.protobuf';
import type { OutputStream } from '../daemon/output.ts';
import { decodeLocal, recordFrame } from './local-decoder.ts';
import type {
  EncodedEntries,
  LogAttributes,
  LogEncoder,
  LogFormat,
  ReadableFile,
  TailPosition,
} from './log-format.ts';
import { longestEntry, newline, splitLines } from './output-lines.ts';
import { largerScratch, scratch } from './scratch.ts';

export const localFormat: LogFormat = {
  createEncoder: (attributes) => new LocalEncoder(attributes),
  decode: decodeLocal,
  tail: tailOfRecords,
};

/** The line of which a piece was written last, if its end has not come yet. */
interface UnfinishedLine {
  id: string;
  ordinal: number;
}

class LocalEncoder implements LogEncoder {
  readonly #attributes: Buffer;
  readonly #unfinished: Record<OutputStream, UnfinishedLine | undefined> = {
    stdout: undefined,
    stderr: undefined,
  };

  constructor(attributes: LogAttributes) {
    const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
    this.#attributes = Buffer.concat(
      sorted.map(([key, value]) => field(6, Buffer.concat([field(1, key), field(2, value)]))),
    );
  }

  encode(bytes: Buffer, stream: OutputStream, { seconds, nanos }: Timestamp): EncodedEntries {
    const time = varint(BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
    const head = Buffer.concat([field(1, stream), Buffer.from([0x10]), time]);
    const room = longestEntry + head.length + this.#attributes.length + 128;
    const ends: number[] = [];
    let out = scratch();
    let at = 0;
    let taken = 0;
    for (const line of splitLines(bytes)) {
      if (at + room > out.length) out = largerScratch(at, room);
      const ended = line.at(-1) === newline;
      const text = ended ? line.subarray(0, -1) : line;
      at = this.#put(out, at, head, text, this.#partial(stream, ended));
      taken += line.length;
      ends.push(taken, at);
    }
    return { entries: out.subarray(0, at), ends };
  }

  /** The fields of a piece of a line; none for a whole one. */
  #partial(stream: OutputStream, ended: boolean): Buffer {
    const before = this.#unfinished[stream];
    if (ended && !before) return nothing;
    const { id, ordinal } = before ?? { id: randomBytes(32).toString('hex'), ordinal: 1 };
    this.#unfinished[stream] = ended ? undefined : { id, ordinal: ordinal + 1 };
    const last = ended ? Buffer.from([0x08, 1]) : nothing;
    const metadata = [last, field(2, id), Buffer.from([0x18]), varint(BigInt(ordinal))];
    return Buffer.concat([Buffer.from([0x20, 1]), field(5, Buffer.concat(metadata))]);
  }

  #put(out: Buffer, start: number, head: Buffer, text: Buffer, partial: Buffer): number {
    const from = start + recordFrame;
    let at = from + head.copy(out, from);
    if (text.length > 0) {
      out[at++] = 0x1a;
      for (let rest = text.length; ; rest >>= 7) {
        out[at++] = rest < 0x80 ? rest : (rest & 0x7f) | 0x80;
        if (rest < 0x80) break;
      }
      at += text.copy(out, at);
    }
    at += partial.copy(out, at);
    at += this.#attributes.copy(out, at);
    out.writeUInt32BE(at - from, start);
    return out.writeUInt32BE(at - from, at);
  }
}

const nothing = Buffer.alloc(0);

function field(number: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(BigInt(bytes.length)), bytes]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** Goes from length to length, backwards, over blocks read from the end. */
async function tailOfRecords(
  file: ReadableFile,
  size: number,
  wanted: number,
): Promise<TailPosition> {
  let found = 0;
  let offset = size;
  let blockStart = size;
  let block = nothing;
  while (offset > 2 * recordFrame && found < wanted) {
    if (offset - recordFrame < blockStart) {
      const start = Math.max(0, offset - blockBytes);
      block = Buffer.allocUnsafe(offset - start);
      await file.read(block, start);
      blockStart = start;
    }
    const length = block.readUInt32BE(offset - recordFrame - blockStart);
    const start = offset - length - 2 * recordFrame;
    if (length === 0 || start < 0) break; // no record: the machine went down while it was written
    offset = start;
    found++;
  }
  return { found, offset };
}

const blockBytes = 64 * 1024;
