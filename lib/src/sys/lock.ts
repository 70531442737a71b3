/** flock(2): advisory locks that the kernel releases when the last descriptor of the open file is closed. */
import { check, libcFunction } from './libc.ts';

export const LOCK_SH = 1;
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;

const flockCall = libcFunction('int flock(int, int)');

/** Throws unavailable (EAGAIN) with `LOCK_NB` while somebody else holds the lock. Blocks without it. */
export function flock(fd: number, operation: number): void {
  check(flockCall(fd, operation), 'flock');
}
