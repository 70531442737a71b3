/** poll(2) on descriptors that are to become readable. Blocks the thread. */
import { check, errnoName, lastErrno, libcFunction } from './libc.ts';

const POLLIN = 0x1;
/** struct pollfd: int fd, short events, short revents. */
const pollfdSize = 8;
const reventsOffset = 6;

const pollCall = libcFunction('int poll(void *fds, unsigned long count, int timeoutMs)');

/**
 * Waits until one of `fds` can be read, has ended or, a pidfd, until its process has; returns those of which that is
 * true, none after `timeoutMs`. Without a time limit where it is undefined.
 */
export function waitReadable(fds: readonly number[], timeoutMs?: number): number[] {
  const set = Buffer.alloc(fds.length * pollfdSize);
  fds.forEach((fd, index) => {
    set.writeInt32LE(fd, index * pollfdSize);
    set.writeInt16LE(POLLIN, index * pollfdSize + 4);
  });
  const deadline = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
  while (true) {
    const leftMs =
      deadline === undefined ? -1 : Math.max(0, Math.ceil(deadline - performance.now()));
    const count = pollCall(set, fds.length, leftMs);
    if (count < 0 && errnoName(lastErrno()) === 'EINTR') continue;
    check(count, 'poll');
    return fds.filter((_, index) => set.readInt16LE(index * pollfdSize + reventsOffset) !== 0);
  }
}
