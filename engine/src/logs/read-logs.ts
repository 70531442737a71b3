/** Reads a log file back: from its end if only the last lines are wanted, across rotated files, and on as it grows. */
import type { LogSelection } from '../daemon/container-logs.ts';
import type { LogEntry, LogFormat } from './log-format.ts';
import { LogFiles, readEntries, type FilePosition, type LogGrowth } from './log-files.ts';

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
    const start = await startPosition(files, format, selection);
    // What is appended after the start was found comes on top of the lines asked for, and only when following.
    let wanted = selection.follow ? Infinity : (selection.tail ?? Infinity);
    for await (const read of readEntries(files, (block) => format.decode(block), start, signal)) {
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

/** Where the last lines begin that are wanted, found from the end; files that ended before `since` are left out. */
async function startPosition(
  { opened: files, end }: LogFiles,
  format: LogFormat,
  { tail, since }: LogSelection,
): Promise<FilePosition> {
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
    const size = Math.min(await file.size(), index === newest ? end : Infinity);
    if (missing === 0) return { file: index, offset: size };
    const { found, offset } = await format.tail(file, size, missing);
    missing -= found;
    if (missing === 0) return { file: index, offset };
  }
  return { file: 0, offset: 0 };
}
