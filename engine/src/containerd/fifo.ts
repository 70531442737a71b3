/**
 * FIFOs between a task and the engine. The engine makes them and names them in Tasks.Create and Tasks.Exec; the shim
 * holds the other ends. They are read and written through net.Socket, never fs, whose reads would block pool threads.
 */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { removeFolder } from '#lib/remove-folder/remove-folder';
import { AT_FDCWD, mknodat, S_IFIFO } from '#lib/sys/file';
import { setPipeSize } from '#lib/sys/pipe';
import { errorCode } from '#spec/errors';

const { O_NONBLOCK, O_RDONLY, O_RDWR } = fs.constants;

/** Paths for Tasks.Create; empty where a task has no such stream. */
export interface StdioPaths {
  stdin: string;
  stdout: string;
  stderr: string;
}

export interface StdioChoice {
  stdin: boolean;
  /** With a terminal everything is stdout. */
  terminal: boolean;
}

/** Makes the FIFOs of one process in `folder`, replacing what an earlier run left there. */
export async function createStdio(folder: string, choice: StdioChoice): Promise<StdioPaths> {
  await removeStdio(folder);
  await fs.promises.mkdir(folder, { recursive: true, mode: 0o700 });
  const make = (name: string): string => {
    const file = path.join(folder, name);
    mknodat(AT_FDCWD, file, S_IFIFO | 0o600);
    return file;
  };
  return {
    stdin: choice.stdin ? make('stdin') : '',
    stdout: make('stdout'),
    stderr: choice.terminal ? '' : make('stderr'),
  };
}

/** Removes what {@link createStdio} made; nothing to remove is fine. */
export async function removeStdio(folder: string): Promise<void> {
  await removeFolder(folder);
}

/** The output FIFOs that {@link createStdio} left in `folder`. */
export function outputOf(folder: string): StdioPaths {
  const [stdout, stderr] = ['stdout', 'stderr'].map((name) => path.join(folder, name));
  const present = (file = ''): string => (fs.existsSync(file) ? file : '');
  return { stdin: '', stdout: present(stdout), stderr: present(stderr) };
}

/**
 * Lets readers of output FIFOs see an end where no writer is left: a FIFO hangs up only when a writer that came after
 * its reader has gone.
 */
export function hangUp({ stdout, stderr }: StdioPaths): void {
  for (const file of [stdout, stderr]) {
    if (file !== '') fs.closeSync(fs.openSync(file, O_RDWR | O_NONBLOCK));
  }
}

/** What a process may write before it has to wait for us. The kernel's limit for processes without privilege. */
export const fifoBytes = 1024 * 1024;

/** Lets a FIFO hold {@link fifoBytes}, or what the user's quota of pipe pages allows. */
export function enlargeFifo(fd: number): void {
  try {
    setPipeSize(fd, fifoBytes);
  } catch (error) {
    if (errorCode(error) !== 'EPERM') throw error; // over the quota: then the process waits earlier
  }
}

/** One for all FIFOs: what is read is passed on, or copied, before the next read. */
let readBuffer: Buffer | undefined;
export const readBytes = 256 * 1024;

/** Told what was read, which it must copy; false stops the reading until `resume()`. */
export type OnFifoData = (bytes: Buffer) => boolean;

/**
 * The engine's end of an output FIFO. Opened before the task is created, because some shims wait for a reader; it ends
 * when the last writer has gone. While it is paused, `fd` may be read by others.
 */
export function openFifoReader(
  file: string,
  onData: OnFifoData,
): { readonly reader: net.Socket; readonly fd: number } {
  const fd = fs.openSync(file, O_RDONLY | O_NONBLOCK);
  enlargeFifo(fd);
  const buffer = (readBuffer ??= Buffer.allocUnsafeSlow(readBytes));
  const onread = {
    buffer,
    callback: (length: number) => onData(buffer.subarray(0, length)),
  };
  const reader = new net.Socket({ fd, readable: true, writable: false, onread });
  reader.resume();
  return { reader, fd };
}

/**
 * The engine's end of stdin. Opened for both directions, though never read: so it can be opened before the shim opens
 * its own end, which some do late, and a write never fails for want of a reader.
 */
export function openFifoWriter(file: string): net.Socket {
  const fd = fs.openSync(file, O_RDWR | O_NONBLOCK);
  return new net.Socket({ fd, readable: false, writable: true });
}
