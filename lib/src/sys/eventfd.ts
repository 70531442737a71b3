/** eventfd(2), and waiting for one on Node's event loop. */
import net from 'node:net';
import { SyscallError, check, libcFunction } from './libc.ts';

const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;

const eventfd2 = libcFunction('int eventfd(unsigned int initial, int flags)');

/** A descriptor that counts what is written to it; close-on-exec, non-blocking. */
export function eventfd(initial = 0): number {
  return check(eventfd2(initial, EFD_CLOEXEC | EFD_NONBLOCK), 'eventfd');
}

/** The part of Node's own pipe handle that is used here. */
interface PipeHandle {
  open(fd: number): number;
}
interface PipeBinding {
  Pipe: new (type: number) => PipeHandle;
}

/**
 * Calls `onSignal` each time something was written to the eventfd `fd`, which the watch then owns. The returned
 * function ends the watch and closes the descriptor. An open watch does not keep the process alive.
 *
 * net.Socket refuses descriptors that are neither pipe, socket nor terminal; libuv's pipe handle underneath only
 * needs something that can be polled and read, so it is opened directly.
 */
export function watchEventfd(fd: number, onSignal: () => void): () => void {
  // `binding` is deprecated in the documentation only, and absent from the types.
  const internals = process as unknown as { binding(name: 'pipe_wrap'): PipeBinding };
  const { Pipe } = internals.binding('pipe_wrap');
  const handle = new Pipe(0);
  const result = handle.open(fd);
  if (result < 0) throw new SyscallError('watch', -result, 'eventfd');
  // The types know `handle` for bound sockets only.
  const options = { handle, readable: true, writable: false } as unknown;
  const socket = new net.Socket(options as net.SocketConstructorOpts);
  socket.on('data', onSignal);
  socket.on('error', () => socket.destroy());
  socket.unref();
  return () => socket.destroy();
}
