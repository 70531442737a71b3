/** Entries of a log as clients receive them. */
import type { LogEntry } from '../logs/log-format.ts';
import { frameHeaderLength, writeFrameHeader } from './stream-frames.ts';

export interface EntryOptions {
  /** Without frames. */
  tty: boolean;
  /** What precedes each line. */
  timestamps: boolean;
  details: boolean;
  /** Whether lines of one stream may share a frame. */
  joinLines: boolean;
}

/** Frames that do not make the buffer grow with which docker's CLI begins. */
const joinedFrameBytes = 32 * 1024;

/** One buffer for each batch: most entries are shorter than what a buffer of their own would cost. */
export async function* encodedEntries(
  batches: AsyncIterable<LogEntry[]>,
  options: EntryOptions,
): AsyncGenerator<Buffer> {
  for await (const batch of batches) yield encodeBatch(batch, options);
}

function encodeBatch(
  batch: readonly LogEntry[],
  { tty, timestamps, details, joinLines }: EntryOptions,
): Buffer {
  const prefixes = timestamps || details ? batch.map((entry) => prefixOf(entry)) : undefined;
  let size = 0;
  for (const [index, { lineLength }] of batch.entries()) {
    size += frameHeaderLength + (prefixes?.[index]?.length ?? 0) + lineLength;
  }
  const encoded = Buffer.allocUnsafe(size);
  let at = 0;
  let frameStart = -1;
  let before: LogEntry | undefined;
  for (const [index, entry] of batch.entries()) {
    const prefix = prefixes?.[index];
    if (!tty) {
      const length = (prefix?.length ?? 0) + entry.lineLength;
      const joins = joinLines && before?.stream === entry.stream;
      if (!joins || at + length - frameStart > joinedFrameBytes) {
        if (before)
          writeFrameHeader(encoded, frameStart, before.stream, at - frameStart - frameHeaderLength);
        frameStart = at;
        at += frameHeaderLength;
      }
      before = entry;
    }
    if (prefix) at += prefix.copy(encoded, at);
    at += entry.copyLine(encoded, at);
  }
  if (before)
    writeFrameHeader(encoded, frameStart, before.stream, at - frameStart - frameHeaderLength);
  return encoded.subarray(0, at);

  function prefixOf({ timeNano, attributes }: LogEntry): Buffer {
    const time = timestamps ? `${formatLogTime(timeNano)} ` : '';
    return Buffer.from(details ? `${time}${formatDetails(attributes ?? {})} ` : time);
  }
}

/** RFC 3339 with nine digits of a second, whatever they are. */
function formatLogTime(timeNano: bigint): string {
  const seconds = new Date(Number(timeNano / 1_000_000_000n) * 1000).toISOString();
  const nanos = (timeNano % 1_000_000_000n).toString().padStart(9, '0');
  return `${seconds.slice(0, -'.000Z'.length)}.${nanos}Z`;
}

/** `a=1,b=2`, escaped as in a query. */
function formatDetails(attributes: Readonly<Record<string, string>>): string {
  const escape = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);
  return Object.entries(attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${escape(name)}=${escape(value)}`)
    .join(',');
}
