/** Reads a json-file log back: from its end if only the last lines are wanted, across rotated files, and on as it grows. */
import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { errorCode } from '#spec/errors';
import type { LogEntry, LogSelection } from '../daemon/container-logs.ts';
import { rotatedName } from './json-log-file.ts';
import { tailPosition, type LogPosition } from './log-position.ts';

const blockBytes = 64 * 1024;

/** Says when a log has grown, and when it will not any more. */
export interface LogGrowth {
  /** Whether somebody still writes to it. */
  readonly isActive: boolean;
  /** Changes with every append and at the end. */
  readonly version: number;
  /** Resolves when `version` is not `seen` any more, or when `signal` aborts. */
  next(seen: number, signal: AbortSignal): Promise<void>;
}

/**
 * Entries in order, as many at once as a block of the file holds: a step of an async generator costs more than an
 * entry. A log that does not exist is empty. Ends when `signal` aborts.
 */
export async function* readLogs(
  logPath: string,
  selection: LogSelection,
  signal: AbortSignal,
  growth?: LogGrowth,
): AsyncGenerator<LogEntry[]> {
  const files = await openFiles(logPath);
  try {
    const start = await startPosition(files, selection.tail);
    // What is appended after the start was found comes on top of the lines asked for, and only when following.
    let wanted = selection.follow ? Infinity : (selection.tail ?? Infinity);
    for await (const lines of readLines(logPath, files, start, {
      growth: selection.follow ? growth : undefined,
      signal,
    })) {
      const { entries, isLast } = select(lines.slice(0, wanted), selection);
      wanted -= lines.length;
      if (entries.length > 0) yield entries;
      if (isLast || wanted <= 0) return;
    }
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

/** The entries of `lines` that are wanted, and whether all that follow are too late. */
function select(
  lines: readonly string[],
  selection: LogSelection,
): { entries: LogEntry[]; isLast: boolean } {
  const { since, until } = selection;
  const entries: LogEntry[] = [];
  for (const line of lines) {
    const entry = parseEntry(line);
    if (!entry || !selection[entry.stream]) continue;
    if (since !== undefined || until !== undefined) {
      const time = nanoseconds(entry.time);
      if (since !== undefined && time < since) continue;
      if (until !== undefined && time > until) return { entries, isLast: true };
    }
    entries.push(entry);
  }
  return { entries, isLast: false };
}

function startPosition(
  files: readonly FileHandle[],
  tail: number | undefined,
): Promise<LogPosition> {
  if (tail === undefined) return Promise.resolve({ file: 0, offset: 0 });
  return tailPosition(files, tail);
}

/** The log and its rotated files, oldest first; opened at once, so that a rotation meanwhile changes nothing. */
async function openFiles(logPath: string): Promise<FileHandle[]> {
  const files: FileHandle[] = [];
  for (let index = 0; ; index++) {
    const file = await openIfPresent(rotatedName(logPath, index));
    if (!file) return files.toReversed();
    files.push(file);
  }
}

async function openIfPresent(file: string): Promise<FileHandle | undefined> {
  try {
    return await fs.promises.open(file, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

interface FollowOptions {
  growth: LogGrowth | undefined;
  signal: AbortSignal;
}

/** Whole lines from `start` on. Files that are followed into are added to `files`, whose owner closes them. */
async function* readLines(
  logPath: string,
  files: FileHandle[],
  start: LogPosition,
  { growth, signal }: FollowOptions,
): AsyncGenerator<string[]> {
  let { offset } = start;
  const block = Buffer.allocUnsafe(blockBytes);
  for (let index = start.file; index < files.length; index++) {
    const file = files[index];
    if (!file) return;
    let rest: Buffer = Buffer.alloc(0);
    while (!signal.aborted) {
      // Asked before reading: what was appended before the end is then read before the end.
      const { isActive = false, version = 0 } = growth ?? {};
      const { bytesRead } = await file.read(block, 0, blockBytes, offset);
      if (bytesRead > 0) {
        offset += bytesRead;
        const { lines, tail } = cut(Buffer.concat([rest, block.subarray(0, bytesRead)]));
        rest = tail;
        if (lines.length > 0) yield lines;
        continue;
      }
      if (index < files.length - 1 || !growth) break;
      const next = await successor(logPath, file, offset);
      if (next === 'truncated') {
        offset = 0;
      } else if (next) {
        files.push(next);
        break;
      } else if (isActive) {
        await growth.next(version, signal);
      } else {
        return;
      }
    }
    offset = 0;
  }
}

/** What came after `file` by rotation: the next newer file, or the same one begun anew; undefined if it is current. */
async function successor(
  logPath: string,
  file: FileHandle,
  offset: number,
): Promise<FileHandle | 'truncated' | undefined> {
  const { ino, size } = await file.stat();
  if (size < offset) return 'truncated';
  for (let index = 0; ; index++) {
    const candidate = await statIfPresent(rotatedName(logPath, index));
    if (candidate?.ino === ino) {
      return index === 0 ? undefined : openIfPresent(rotatedName(logPath, index - 1));
    }
    // Rotated away altogether while we read it: go on with the oldest that is left.
    if (!candidate) return index === 0 ? undefined : openIfPresent(rotatedName(logPath, index - 1));
  }
}

async function statIfPresent(file: string): Promise<fs.Stats | undefined> {
  try {
    return await fs.promises.stat(file);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The whole lines of `bytes`, and what is left after them. A newline is never part of another character in UTF-8. */
function cut(bytes: Buffer): { lines: string[]; tail: Buffer } {
  const end = bytes.lastIndexOf(0x0a);
  const lines = end < 0 ? [] : bytes.toString('utf8', 0, end).split('\n');
  return { lines, tail: Buffer.from(bytes.subarray(end + 1)) };
}

/** undefined for a line that is not an entry: the machine went down while it was written. */
function parseEntry(line: string): LogEntry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null) return undefined;
    const { log, stream, time } = entry as Readonly<Record<string, unknown>>; // checked below
    if (typeof log !== 'string' || typeof time !== 'string') return undefined;
    if (stream !== 'stdout' && stream !== 'stderr') return undefined;
    return { stream, time, line: Buffer.from(log) };
  } catch {
    return undefined;
  }
}

/** Nanoseconds since 1970 of an RFC 3339 time. */
function nanoseconds(time: string): bigint {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? '';
  const seconds = Date.parse(time.replace(/\.\d+/, ''));
  return BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
}
