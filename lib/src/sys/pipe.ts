/** Pipes and FIFOs beyond what node:fs offers. */
import { check, lastErrno, libcFunction, errnoName, errnoNumber, SyscallError } from './libc.ts';

const F_SETPIPE_SZ = 1031;
const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;

const fcntl = libcFunction('int fcntl(int fd, int command, int argument)');
const spliceCall = libcFunction(
  'long splice(int in, void *inOffset, int out, void *outOffset, size_t length, unsigned int flags)',
);

/** Sets the capacity of a pipe in bytes. Throws EPERM above /proc/sys/fs/pipe-max-size without CAP_SYS_RESOURCE. */
export function setPipeSize(fd: number, bytes: number): void {
  check(fcntl(fd, F_SETPIPE_SZ, bytes), 'fcntl', 'F_SETPIPE_SZ');
}

/**
 * splice(2): moves up to `length` bytes from the pipe `from` to the file `to` at `offset`, without waiting. The
 * kernel takes out of the pipe exactly what it has put into the file, whenever the caller is killed. Returns 0 when
 * the pipe is empty and nobody holds its writing end, undefined when it is empty for now.
 */
export function spliceToFile(
  from: number,
  to: number,
  offset: number,
  length: number,
): number | undefined {
  const position = Buffer.alloc(8);
  position.writeBigInt64LE(BigInt(offset));
  const flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  const moved = spliceCall(from, null, to, position, length, flags);
  if (moved >= 0) return moved;
  const errno = lastErrno();
  const code = errnoName(errno);
  if (code === 'EAGAIN' || code === 'EINTR') return undefined;
  throw new SyscallError('splice', errno);
}

const FIONREAD = 0x541b;
const EAGAIN = errnoNumber('EAGAIN');
const ioctl = libcFunction('int ioctl(int fd, unsigned long request, void *argument)');
const countBytes = Buffer.alloc(4);

/** How many bytes a pipe holds. */
export function readableBytes(fd: number): number {
  check(ioctl(fd, FIONREAD, countBytes), 'ioctl', 'FIONREAD');
  return countBytes.readInt32LE(0);
}

/**
 * splice(2): moves up to `length` bytes from the pipe `from` into the socket `to`, without waiting and without copying
 * them. Returns how many; 0 when the socket takes none at present, or the pipe has none.
 */
export function spliceToSocket(from: number, to: number, length: number): number {
  const flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  const moved = spliceCall(from, null, to, null, length, flags);
  if (moved >= 0) return moved;
  const errno = lastErrno();
  if (errno === EAGAIN) return 0;
  throw new SyscallError('splice', errno);
}

const writeCall = libcFunction('long write(int fd, const void *bytes, size_t length)');

/** write(2) to what does not block. Returns how much was taken; 0 when there is no room at present. */
export function writeNow(fd: number, bytes: Buffer): number {
  const written = writeCall(fd, bytes, bytes.length);
  if (written >= 0) return written;
  const errno = lastErrno();
  if (errno === EAGAIN) return 0;
  throw new SyscallError('write', errno);
}

const pipe2Call = libcFunction('int pipe2(void *descriptors, int flags)');
const O_CLOEXEC = 0o2000000;

/** pipe2(2), closed on exec. Both ends block. */
export function pipe(): { readEnd: number; writeEnd: number } {
  const descriptors = Buffer.alloc(8);
  check(pipe2Call(descriptors, O_CLOEXEC), 'pipe2');
  return { readEnd: descriptors.readInt32LE(0), writeEnd: descriptors.readInt32LE(4) };
}
