/** Reads a log file back: from its end if only the last lines are wanted, across rotated files, and on as it grows. */
import type { LogSelection } from '../daemon/container-logs.ts';
import type { LogEntry, LogFormat } from './log-format.ts';
import { LogSource } from './log-source.ts';

const blockBytes = 256 * 1024;

/** Says when a log has grown, and when it will not any more. */
export interface LogGrowth {
  /** Whether somebody still writes to it. */
  readonly isActive: boolean;
  /** Changes with every append and at the end. */
  readonly version: number;
  /** How often a new file was begun. */
  readonly rotations: number;
  /** Resolves when `version` is not `seen` any more, or when `signal` aborts. */
  next(seen: number, signal: AbortSignal): Promise<void>;
}

/** A log: where it is, how it is written, and who writes to it, if anybody. */
export interface LogLocation {
  path: string;
  format: LogFormat;
  growth?: LogGrowth | undefined;
}

/**
 * Entries in order, as many at once as a block of the file holds: a step of an async generator costs more than an
 * entry. A log that does not exist is empty. Ends when `signal` aborts.
 */
export async function* readLogs(
  { path, format, growth }: LogLocation,
  selection: LogSelection,
  signal: AbortSignal,
): AsyncGenerator<LogEntry[]> {
  const files = new LogFiles(path, selection.follow ? growth : undefined);
  try {
    const start = await startPosition(files.opened, format, selection);
    // What is appended after the start was found comes on top of the lines asked for, and only when following.
    let wanted = selection.follow ? Infinity : (selection.tail ?? Infinity);
    for await (const read of readEntries(files, format, start, signal)) {
      const { entries, isLast } = select(
        wanted < read.length ? read.slice(0, wanted) : read,
        selection,
      );
      wanted -= read.length;
      if (entries.length > 0) yield entries;
      if (isLast || wanted <= 0) return;
    }
  } finally {
    await files.close();
  }
}

/** The entries that are wanted, and whether all that follow are too late. */
function select(
  read: LogEntry[],
  selection: LogSelection,
): { entries: LogEntry[]; isLast: boolean } {
  const { since, until, stdout, stderr } = selection;
  if (stdout && stderr && since === undefined && until === undefined) {
    return { entries: read, isLast: false };
  }
  const entries: LogEntry[] = [];
  for (const entry of read) {
    if (!selection[entry.stream]) continue;
    if (since !== undefined && entry.timeNano < since) continue;
    if (until !== undefined && entry.timeNano > until) return { entries, isLast: true };
    entries.push(entry);
  }
  return { entries, isLast: false };
}

interface LogPosition {
  /** Index into the list of files. */
  file: number;
  offset: number;
}

/** Where the last lines begin that are wanted, found from the end; files that ended before `since` are left out. */
async function startPosition(
  files: readonly LogSource[],
  format: LogFormat,
  { tail, since }: LogSelection,
): Promise<LogPosition> {
  let missing = tail ?? Infinity;
  const newest = files.length - 1;
  for (let index = newest; index >= 0; index--) {
    const file = files[index];
    if (!file) break;
    const isTooOld =
      index < newest &&
      since !== undefined &&
      file.lastWrittenMs + 1000 < Number(since / 1_000_000n);
    if (isTooOld) return { file: index + 1, offset: 0 };
    if (missing === Infinity) continue;
    const size = await file.size();
    if (missing === 0) return { file: index, offset: size };
    const { found, offset } = await format.tail(file, size, missing);
    missing -= found;
    if (missing === 0) return { file: index, offset };
  }
  return { file: 0, offset: 0 };
}

/** The files of a log, opened at once, so that a rotation meanwhile changes nothing; and those that come after them. */
class LogFiles {
  /** Oldest first. */
  readonly opened: LogSource[] = [];
  readonly growth: LogGrowth | undefined;
  readonly #path: string;
  /** How often the log had rotated when the last of `opened` was the newest. */
  #generation: number;

  constructor(path: string, growth: LogGrowth | undefined) {
    this.#path = path;
    this.growth = growth;
    this.#generation = growth?.rotations ?? 0;
    for (let index = 0; ; index++) {
      const file = LogSource.open(path, index);
      if (!file) break;
      this.opened.unshift(file);
    }
  }

  /** Opens the file after the last one; false if that was still the newest when the log had rotated `seen` times. */
  openNext(seen: number): boolean {
    if (!this.growth || seen === this.#generation) return false;
    const { rotations } = this.growth;
    // The next one may be gone as well, if much was written meanwhile: then go on with the oldest that is left.
    for (let index = rotations - this.#generation - 1; index >= 0; index--) {
      const file = LogSource.open(this.#path, index);
      if (!file) continue;
      this.opened.push(file);
      this.#generation = rotations - index;
      return true;
    }
    return false;
  }

  async close(): Promise<void> {
    for (const file of this.opened) await file.close();
  }
}

/** Whole entries from `start` on. */
async function* readEntries(
  files: LogFiles,
  format: LogFormat,
  start: LogPosition,
  signal: AbortSignal,
): AsyncGenerator<LogEntry[]> {
  let { offset } = start;
  for (let index = start.file; index < files.opened.length; index++) {
    const file = files.opened[index];
    if (!file) return;
    let rest: Buffer = Buffer.alloc(0);
    while (!signal.aborted) {
      // Asked before reading: what was appended before the end is then read before the end.
      const { isActive = false, version = 0, rotations = 0 } = files.growth ?? {};
      const block = Buffer.allocUnsafe(blockBytes);
      const length = await file.read(block, offset);
      if (length > 0) {
        offset += length;
        const read = block.subarray(0, length);
        const bytes = rest.length === 0 ? read : Buffer.concat([rest, read]);
        const decoded = format.decode(bytes);
        rest = bytes.subarray(decoded.length);
        if (decoded.entries.length > 0) yield decoded.entries;
        continue;
      }
      if (index < files.opened.length - 1 || files.openNext(rotations)) break;
      if (!isActive) return;
      await files.growth?.next(version, signal);
    }
    offset = 0;
  }
}
