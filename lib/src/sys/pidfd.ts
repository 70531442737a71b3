/** pidfd_open(2) and pidfd_getfd(2): processes as descriptors. */
import { check, libcFunction } from './libc.ts';
import { syscallNumber } from './syscalls.ts';

const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
const syscall3 = libcFunction('long syscall(long number, int, int, unsigned int)');

/** A descriptor, close-on-exec, that stands for `pid` even after that number means something else. */
export function pidfdOpen(pid: number): number {
  return check(
    syscall3(syscallNumber('pidfd_open', architecture), pid, 0, 0),
    'pidfd_open',
    String(pid),
  );
}

/** A copy, close-on-exec, of the descriptor that the process knows as `fd`. */
export function pidfdGetfd(pidfd: number, fd: number): number {
  return check(
    syscall3(syscallNumber('pidfd_getfd', architecture), pidfd, fd, 0),
    'pidfd_getfd',
    String(fd),
  );
}
