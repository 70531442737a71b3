/** pidfd_open(2), pidfd_getfd(2) and pidfd_send_signal(2): processes as descriptors. */
import { check, errnoName, lastErrno, libcFunction, SyscallError } from './libc.ts';
import { syscallNumber } from './syscalls.ts';

const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
const syscall4 = libcFunction('long syscall(long number, int, int, void *info, unsigned int)');
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

/** Sends a signal; to a process that has ended, none. */
export function pidfdKill(pidfd: number, signal: number): void {
  const result = syscall4(
    syscallNumber('pidfd_send_signal', architecture),
    ...[pidfd, signal],
    null,
    0,
  );
  if (result >= 0) return;
  const errno = lastErrno();
  if (errnoName(errno) !== 'ESRCH') throw new SyscallError('pidfd_send_signal', errno);
}
