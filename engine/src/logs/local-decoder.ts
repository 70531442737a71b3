/** Records of docker's local format (see `local-format.ts`) to entries. */
import { entryOf } from './json-decoder.ts';
import type { DecodedBlock, LogEntry } from './log-format.ts';
import { newline } from './output-lines.ts';

/** Bytes of the length on either side of a record. */
export const recordFrame = 4;

/** docker reads none that are larger. */
const largestRecord = 1e6;

/** The whole records of `block`. Where there is none the rest of the block is given up. */
export function decodeLocal(block: Buffer): DecodedBlock {
  const entries: LogEntry[] = [];
  let at = 0;
  while (at + recordFrame <= block.length) {
    const length = block.readUInt32BE(at);
    const start = at + recordFrame;
    const end = start + length;
    if (length === 0 || length > largestRecord) return { entries, length: block.length };
    if (end + recordFrame > block.length) break;
    if (block.readUInt32BE(end) !== length) return { entries, length: block.length };
    const entry = decodeEntry(block.subarray(start, end));
    if (entry) entries.push(entry);
    at = end + recordFrame;
  }
  return { entries, length: at };
}

function decodeEntry(message: Buffer): LogEntry | undefined {
  let stream = '';
  let timeNano = 0n;
  let line = Buffer.alloc(0);
  let isPartial = false;
  let isLast = false;
  const attributes: Record<string, string> = {};
  for (const { number, value } of fields(message)) {
    if (typeof value === 'bigint') {
      if (number === 2) timeNano = value;
      else if (number === 4) isPartial = value !== 0n;
    } else if (number === 1) stream = value.toString('latin1');
    else if (number === 3) line = value;
    else if (number === 5) isLast = fields(value).some((item) => item.number === 1);
    else if (number === 6) {
      const [key, text] = [1, 2].map((wanted) => {
        const found = fields(value).find((item) => item.number === wanted)?.value;
        return found instanceof Buffer ? found.toString() : '';
      });
      attributes[key ?? ''] = text ?? '';
    }
  }
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  if (!isPartial || isLast) {
    const ended = Buffer.allocUnsafe(line.length + 1);
    line.copy(ended);
    ended[line.length] = newline;
    line = ended;
  }
  const hasAttributes = Object.keys(attributes).length > 0;
  return entryOf(stream, timeNano, line, hasAttributes ? attributes : undefined);
}

interface Field {
  number: number;
  value: bigint | Buffer<ArrayBuffer>;
}

/** The fields of a message: numbers and bytes, all that this one has. Stops at what is neither. */
function fields(message: Buffer): Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; at < message.length; shift += 7n) {
      const byte = message[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < message.length) {
    const tag = Number(varint());
    if ((tag & 7) === 0) {
      found.push({ number: tag >> 3, value: varint() });
    } else if ((tag & 7) === 2) {
      const length = Number(varint());
      found.push({
        number: tag >> 3,
        value: message.subarray(at, at + length) as Buffer<ArrayBuffer>, // nothing here is shared memory
      });
      at += length;
    } else break;
  }
  return found;
}
