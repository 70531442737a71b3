/** Numbers and flags of descriptors: dup2(2), fcntl(2). */
import { FD_CLOEXEC, fcntlCommands } from './flags.ts';
import { check, libcFunction } from './libc.ts';

const fcntlCall = libcFunction('int fcntl(int fd, int command, long argument)');
const dup2Call = libcFunction('int dup2(int from, int to)');

/** Makes `to` another number for what `from` is; what `to` was before is closed. It stays open in started programs. */
export function dup2(from: number, to: number): void {
  check(dup2Call(from, to), 'dup2', `${from} ${to}`);
}

/** The descriptor is closed in every program that this process starts. */
export function setCloseOnExec(fd: number): void {
  check(fcntlCall(fd, fcntlCommands.F_SETFD, FD_CLOEXEC), 'fcntl', `F_SETFD ${fd}`);
}

/** The descriptor stays open in programs that this process starts or becomes. */
export function clearCloseOnExec(fd: number): void {
  check(fcntlCall(fd, fcntlCommands.F_SETFD, 0), 'fcntl', `F_SETFD ${fd}`);
}
