/** `binary://`: output goes to a program, which the shim starts and whose end it waits for. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { StackError, messageOf } from '#spec/errors';
import { pipe } from '#lib/sys/posix-spawn';
import type { Logger, LoggerParts } from './logger.ts';

/** How long a logger may take to say that it is ready: containerd's own limit. */
const readyTimeoutMs = 10_000;

export function startLogProgram(
  uri: URL,
  { containerId, namespace, reaper }: LoggerParts,
  { mustSayReady }: { mustSayReady: boolean },
): Logger {
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
    ready: Promise.race([failed, waitForReady(ready.readEnd, mustSayReady)]),
    drained: new Promise((resolve) => {
      child.once('close', () => resolve());
      child.once('error', () => resolve());
    }),
    handOver: () => {
      const { pid, exitCode, signalCode } = child;
      return pid !== undefined && exitCode === null && signalCode === null ? { pid } : {};
    },
  };
}

/** Resolves when the other end of a pipe was closed or something was written. */
function waitForReady(fd: number, mustSayReady: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new net.Socket({ fd, readable: true, writable: false });
    let said = false;
    const timer = setTimeout(() => {
      reject(
        new StackError('deadline_exceeded', `logger was not ready after ${readyTimeoutMs} ms`),
      );
      socket.destroy();
    }, readyTimeoutMs);
    socket.once('data', () => {
      said = true;
      socket.destroy();
    });
    socket.once('close', () => {
      clearTimeout(timer);
      if (said || !mustSayReady) resolve();
      else reject(new StackError('internal', 'logging binary did not call ready'));
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.resume();
  });
}
