/**
 * Where output goes that no client reads: a file, or a program that logs it. The container writes into pipes.
 *
 *   binary:///path/logger?key=value   logger key value, with the pipes as descriptors 3 (stdout) and 4 (stderr);
 *                                     it closes 5 when it is ready. CONTAINER_ID and CONTAINER_NAMESPACE are set.
 *   file:///path/log                  both, appended to the file
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { StackError, messageOf } from '#spec/errors';
import { pipe } from '#lib/sys/posix-spawn';
import type { Reaper } from '../reaper.ts';

/** How long a logger may take to say that it is ready: containerd's own limit. */
const readyTimeoutMs = 10_000;

export interface Logger {
  /** Write ends of the pipes, for the container. They do not block by accident: both are plain pipes. */
  readonly stdout: number;
  readonly stderr: number;
  /** Rejects if the logger cannot do its work. */
  readonly ready: Promise<void>;
  /** Resolves when everything was taken in. */
  readonly drained: Promise<void>;
}

export interface LoggerParts {
  containerId: string;
  namespace: string;
  reaper: Reaper;
}

/** The scheme of a stdio URI; undefined for a path. */
function schemeOf(target: string): string | undefined {
  return /^([a-z][a-z+]*):\/\//.exec(target)?.[1];
}

/** Throws unimplemented for other schemes. */
export function openLogger(uri: string, parts: LoggerParts): Logger {
  switch (schemeOf(uri)) {
    case 'binary':
      return startBinary(new URL(uri), parts);
    case 'file':
      return openFile(new URL(uri));
    default:
      throw new StackError('unimplemented', `stdio by "${uri}" is not implemented`);
  }
}

function startBinary(uri: URL, { containerId, namespace, reaper }: LoggerParts): Logger {
  const [stdout, stderr, ready] = [pipe(), pipe(), pipe()];
  const args = [...uri.searchParams].flat().filter((argument) => argument !== '');
  const child = spawn(decodeURIComponent(uri.pathname), args, {
    stdio: ['ignore', 'ignore', 'ignore', stdout.readEnd, stderr.readEnd, ready.writeEnd],
    env: { ...process.env, CONTAINER_ID: containerId, CONTAINER_NAMESPACE: namespace },
  });
  reaper.leaveToLibuv(child);
  for (const fd of [stdout.readEnd, stderr.readEnd, ready.writeEnd]) fs.closeSync(fd);
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', (error) => {
      reject(new StackError('invalid_argument', `cannot start logger: ${messageOf(error)}`));
    });
    child.once('exit', (code, signal) => {
      const how = String(code ?? signal);
      reject(
        new StackError('internal', `logger ${uri.pathname} ended before it was ready: ${how}`),
      );
    });
  });
  failed.catch(() => undefined); // later ends are the end of the output
  return {
    stdout: stdout.writeEnd,
    stderr: stderr.writeEnd,
    ready: Promise.race([failed, closed(ready.readEnd)]),
    drained: new Promise((resolve) => {
      child.once('close', () => resolve());
      child.once('error', () => resolve());
    }),
  };
}

function openFile(uri: URL): Logger {
  const file = decodeURIComponent(uri.pathname);
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
  const log = fs.openSync(file, 'a', 0o644);
  const [stdout, stderr] = [pipe(), pipe()];
  // A write to a local file is quick; one at a time keeps the lines of both in order.
  const copied = [stdout, stderr].map(({ readEnd }) => {
    const source = new net.Socket({ fd: readEnd, readable: true, writable: false });
    source.on('data', (chunk: Buffer) => fs.writeSync(log, chunk));
    return new Promise<void>((resolve) => source.once('close', () => resolve()));
  });
  const drained = Promise.all(copied).then(() => fs.closeSync(log));
  return { stdout: stdout.writeEnd, stderr: stderr.writeEnd, ready: Promise.resolve(), drained };
}

/** Resolves when the other end of a pipe was closed or something was written. */
function closed(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new net.Socket({ fd, readable: true, writable: false });
    const timer = setTimeout(() => {
      reject(
        new StackError('deadline_exceeded', `logger was not ready after ${readyTimeoutMs} ms`),
      );
      socket.destroy();
    }, readyTimeoutMs);
    socket.once('data', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.resume();
  });
}
