/** `file://`: output is appended to a file, whose descriptor the container never sees. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { pipe } from '#lib/sys/posix-spawn';
import type { LoggerHandover } from './handover.ts';
import type { Logger } from './logger.ts';

type Copies = NonNullable<LoggerHandover['copies']>;

/** Opens the file for appending, with the folders above it. Throws what the kernel says. */
export function openLogFile(file: string): Logger {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
  const log = fs.openSync(file, 'a', 0o644);
  const [stdout, stderr] = [pipe(), pipe()];
  const copies = { log, sources: [stdout.readEnd, stderr.readEnd] };
  return {
    stdout: stdout.writeEnd,
    stderr: stderr.writeEnd,
    ready: Promise.resolve(),
    drained: copyToLogFile(copies),
    handOver: () => (copies.log < 0 ? {} : { copies }),
  };
}

/**
 * Resolves at the end of all sources. What has ended is taken out of `copies`, which a successor may get at any time;
 * the log becomes -1.
 */
export async function copyToLogFile(copies: Copies): Promise<void> {
  const ends = copies.sources.map(async (fd) => {
    await appendAll(fd, copies.log);
    copies.sources.splice(copies.sources.indexOf(fd), 1);
  });
  await Promise.all(ends);
  fs.closeSync(copies.log);
  copies.log = -1;
}

/** A write to a local file is quick; one at a time keeps the lines of both pipes in order. */
function appendAll(fd: number, log: number): Promise<void> {
  const source = new net.Socket({ fd, readable: true, writable: false });
  source.on('data', (chunk: Buffer) => append(log, chunk));
  source.on('error', () => undefined); // 'close' follows
  return new Promise((resolve) => source.once('close', () => resolve()));
}

function append(log: number, chunk: Buffer): void {
  let rest = chunk;
  try {
    while (rest.length > 0) rest = rest.subarray(fs.writeSync(log, rest));
  } catch {
    // A full disk: these lines are lost, the container goes on.
  }
}
