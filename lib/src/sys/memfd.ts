/** memfd_create(2) and file seals: files that exist only as descriptors. */
import { memfdFlags, seals, fcntlCommands } from './flags.ts';
import { check, libcFunction } from './libc.ts';

const memfdCreateCall = libcFunction('int memfd_create(const char *name, unsigned int flags)');
const fcntlCall = libcFunction('int fcntl(int fd, int command, long argument)');

/** `name` is what /proc/PID/fd shows. `flags` out of {@link memfdFlags}; MFD_CLOEXEC is always set. */
export function memfdCreate(name: string, flags = 0): number {
  return check(memfdCreateCall(name, flags | memfdFlags.MFD_CLOEXEC), 'memfd_create', name);
}

/** Adds `mask` out of {@link seals}; what is sealed stays sealed. */
export function addSeals(fd: number, mask: number): void {
  check(fcntlCall(fd, fcntlCommands.F_ADD_SEALS, mask), 'fcntl F_ADD_SEALS');
}

export function getSeals(fd: number): number {
  return check(fcntlCall(fd, fcntlCommands.F_GET_SEALS, 0), 'fcntl F_GET_SEALS');
}

/** A second number for the same open file: the lowest free one from `minimum` on, with close-on-exec. */
export function duplicateAbove(fd: number, minimum: number): number {
  return check(fcntlCall(fd, fcntlCommands.F_DUPFD_CLOEXEC, minimum), 'fcntl F_DUPFD_CLOEXEC');
}

/** All that together make content immutable. F_SEAL_EXEC also fixes the mode (Linux 6.3). */
export const immutableSeals =
  seals.F_SEAL_SEAL | seals.F_SEAL_SHRINK | seals.F_SEAL_GROW | seals.F_SEAL_WRITE;
