/** Connects this process' stdin, stdout and stderr with a hijacked connection. */
import tty from 'node:tty';
import { StackError } from '#spec/errors';
import type { HijackedConnection } from '../client/engine-client.ts';
import { FrameReader } from '../client/stream-frames.ts';
import { DetachKeyFilter } from './detach-keys.ts';

export interface AttachOptions {
  /** The container has a terminal: output is one raw stream, the local terminal goes into raw mode. */
  tty: boolean;
  /** Forward stdin. */
  stdin: boolean;
  /** Key sequence that ends the connection and leaves the container running; only with a terminal. */
  detachKeys: Buffer;
}

/** How the connection ended. */
export type AttachEnd = 'closed' | 'detached';

/** Copies both ways until the daemon closes the connection or the user detaches. Always restores the terminal. */
export async function copyStreams(
  { socket, head }: HijackedConnection,
  { tty: hasTerminal, stdin, detachKeys }: AttachOptions,
): Promise<AttachEnd> {
  const restoreTerminal = stdin && hasTerminal ? enterRawMode() : () => undefined;
  const frames = new FrameReader((stream, payload) => writeOut(stream, payload));
  let paused = false;

  function writeOut(stream: 'stdout' | 'stderr', payload: Buffer): void {
    if (process[stream].write(payload) || paused) return;
    paused = true;
    socket.pause();
    process[stream].once('drain', () => {
      paused = false;
      socket.resume();
    });
  }

  try {
    return await new Promise<AttachEnd>((resolve, reject) => {
      const receive = (chunk: Buffer): void => {
        try {
          if (hasTerminal) writeOut('stdout', chunk);
          else frames.push(chunk);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      if (head.length > 0) receive(head);
      socket.on('data', receive);
      socket.once('end', () => {
        resolve('closed');
      });
      socket.once('close', () => {
        resolve('closed');
      });
      socket.once('error', (error) => {
        reject(
          new StackError('unavailable', `the connection to the container broke: ${error.message}`),
        );
      });
      if (stdin)
        forwardInput(socket, hasTerminal ? new DetachKeyFilter(detachKeys) : undefined, resolve);
    });
  } finally {
    restoreTerminal();
    process.stdin.pause();
    socket.destroy();
  }
}

function forwardInput(
  socket: HijackedConnection['socket'],
  filter: DetachKeyFilter | undefined,
  resolve: (end: AttachEnd) => void,
): void {
  process.stdin.on('data', (chunk: Buffer) => {
    const { forward, detach } = filter?.push(chunk) ?? { forward: chunk, detach: false };
    if (forward.length > 0 && !socket.write(forward)) {
      process.stdin.pause();
      socket.once('drain', () => process.stdin.resume());
    }
    if (detach) resolve('detached');
  });
  // Half-closing tells the container that its input ended; its output still comes.
  process.stdin.once('end', () => socket.end());
}

/** Puts the local terminal into raw mode if there is one; returns what restores it. */
function enterRawMode(): () => void {
  if (!(process.stdin instanceof tty.ReadStream)) return () => undefined;
  const terminal = process.stdin;
  terminal.setRawMode(true);
  return () => terminal.setRawMode(false);
}

/** Rows and columns of the local terminal, if stdout is one. */
export function terminalSize(): { h: number; w: number } | undefined {
  // A terminal that nobody told its size has none.
  if (!process.stdout.isTTY || process.stdout.rows === 0) return undefined;
  return { h: process.stdout.rows, w: process.stdout.columns };
}

/** Calls `resize` now and whenever the local terminal changes its size; returns what stops it. */
export function followTerminalSize(
  resize: (size: { h: number; w: number }) => Promise<unknown>,
): () => void {
  const update = (): void => {
    const size = terminalSize();
    // The container may just have ended: then there is nothing to resize.
    if (size) resize(size).catch(() => undefined);
  };
  update();
  process.stdout.on('resize', update);
  return () => process.stdout.off('resize', update);
}
