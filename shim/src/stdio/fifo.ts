/** Opening the client's FIFOs without ever waiting for the other end. */
import fs from 'node:fs';
import { StackError, errorCode, messageOf } from '#spec/errors';

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = fs.constants;

/** The shim's own descriptors, non-blocking, and the one for the container, which must block as a pipe does. */
export interface InputFifo {
  /** Keeps the container's input open until it is closed. */
  writer: number;
  /** Blocking, for the container; or non-blocking, for the shim to read from. */
  reader: number;
}

export interface OutputFifo {
  /** Keeps unread bytes, and spares the writers SIGPIPE while no client reads. */
  reader: number;
  /** Keeps readers from seeing the end while the process lives. */
  writer: number;
}

/** Opens the FIFO that carries a process's input. */
export function openInput(file: string, { blocking }: { blocking: boolean }): InputFifo {
  const both = openFifo(file, O_RDWR | O_NONBLOCK);
  try {
    const writer = fs.openSync(file, O_WRONLY | O_NONBLOCK);
    // There is a writer now, so that a blocking open does not block.
    return { writer, reader: fs.openSync(file, blocking ? O_RDONLY : O_RDONLY | O_NONBLOCK) };
  } finally {
    fs.closeSync(both);
  }
}

/** Opens the FIFO that carries a process's output. */
export function openOutput(file: string): OutputFifo {
  const reader = openFifo(file, O_RDONLY | O_NONBLOCK);
  return { reader, writer: fs.openSync(file, O_WRONLY | O_NONBLOCK) };
}

/** A blocking descriptor for the container: of its own, because O_NONBLOCK belongs to the open file description. */
export function openForContainer(file: string): number {
  return fs.openSync(file, O_WRONLY);
}

function openFifo(file: string, flags: number): number {
  let fd: number;
  try {
    fd = fs.openSync(file, flags);
  } catch (error) {
    const kind = errorCode(error) === 'ENOENT' ? 'not_found' : 'internal';
    throw new StackError(kind, `cannot open FIFO: ${messageOf(error)}`, { cause: error });
  }
  if (fs.fstatSync(fd).isFIFO()) return fd;
  fs.closeSync(fd);
  // A regular file would be truncated by whoever opens /dev/stdout in the container.
  throw new StackError('invalid_argument', `"${file}" is not a FIFO`);
}
