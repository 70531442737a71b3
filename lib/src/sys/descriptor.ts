/** Flags of descriptors, fcntl(2). */
import { FD_CLOEXEC, fcntlCommands } from './flags.ts';
import { check, libcFunction } from './libc.ts';

const fcntlCall = libcFunction('int fcntl(int fd, int command, long argument)');

/** The descriptor is closed in every program that this process starts. */
export function setCloseOnExec(fd: number): void {
  check(fcntlCall(fd, fcntlCommands.F_SETFD, FD_CLOEXEC), 'fcntl', `F_SETFD ${fd}`);
}
