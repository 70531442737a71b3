/** unshare(2) and setns(2). Both act on the calling thread alone; their flags are `cloneFlags` of flags.ts. */
import { check, libcFunction } from './libc.ts';

const unshareCall = libcFunction('int unshare(int flags)');
const setnsCall = libcFunction('int setns(int fd, int type)');

/** Moves the calling thread into new namespaces. */
export function unshare(flags: number): void {
  check(unshareCall(flags), 'unshare');
}

/**
 * Moves the calling thread into the namespace that `fd` refers to.
 * @param type the CLONE_NEW… flag it must be, 0 for any.
 */
export function setns(fd: number, type: number): void {
  check(setnsCall(fd, type), 'setns');
}
