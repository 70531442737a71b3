/** The socket that takes the master of a container's terminal: the caller's, by path, or one of our own. */
import path from 'node:path';
import { sendDescriptor, sendMessage } from '#lib/sys/descriptor-socket';
import type { ConsoleTarget } from '../compile/input.ts';

export type ConsoleSocket = { readonly path: string } | { readonly descriptor: number };

/** Of `--console-socket`. */
export function consoleSocket(written: string | undefined): ConsoleSocket | undefined {
  return written === undefined ? undefined : { path: path.resolve(written) };
}

/** Sends the terminal there. */
export function sendTerminal(socket: ConsoleSocket, master: number, name: string): void {
  if ('path' in socket) sendDescriptor(socket.path, master, Buffer.from(name));
  else sendMessage(socket.descriptor, master, Buffer.from(name));
}

/** How a program reaches it. */
export function consoleTarget(socket: ConsoleSocket): ConsoleTarget {
  return 'path' in socket ? { socketPath: socket.path } : { descriptor: 'console' };
}

/** What the program is to be given for that, by name. */
export function consoleDescriptors(
  socket: ConsoleSocket | undefined,
): Readonly<Record<string, number>> {
  return socket && 'descriptor' in socket ? { console: socket.descriptor } : {};
}
