/**
 * Executables that exist on no file system and that nobody can change (CVE-2019-5736: a container that reaches
 * the file behind /proc/PID/exe of whoever enters it must find nothing worth overwriting).
 */
import fs from 'node:fs';
import os from 'node:os';
import { StackError } from '#spec/errors';
import { memfdFlags, openFlags, seals } from '#lib/sys/flags';
import { SyscallError } from '#lib/sys/libc';
import { addSeals, getSeals, immutableSeals, memfdCreate } from '#lib/sys/memfd';

/**
 * A descriptor (close-on-exec) of an executable with this content: a sealed memfd, or, where vm.memfd_noexec
 * forbids those, an unlinked read-only file. Throws permission_denied where neither can be had.
 */
export function sealedExecutable(name: string, content: Uint8Array): number {
  const memfd = createExecutableMemfd(name);
  if (memfd === undefined) return unlinkedExecutable(content);
  try {
    fs.writeSync(memfd, content);
    seal(memfd);
    return memfd;
  } catch (error) {
    fs.closeSync(memfd);
    throw error;
  }
}

/** undefined where vm.memfd_noexec refuses executable memfds. */
function createExecutableMemfd(name: string): number | undefined {
  const flags = memfdFlags.MFD_ALLOW_SEALING;
  try {
    return memfdCreate(name, flags | memfdFlags.MFD_EXEC);
  } catch (error) {
    if (isErrno(error, 'EACCES')) return undefined; // vm.memfd_noexec=2
    if (!isErrno(error, 'EINVAL')) throw error;
    return memfdCreate(name, flags); // before Linux 6.3: no flag, always executable
  }
}

function seal(fd: number): void {
  let wanted = immutableSeals | seals.F_SEAL_EXEC;
  try {
    addSeals(fd, wanted);
  } catch (error) {
    if (!isErrno(error, 'EINVAL')) throw error;
    wanted = immutableSeals; // before Linux 6.3
    addSeals(fd, wanted);
  }
  const found = getSeals(fd);
  if ((found & wanted) !== wanted) {
    throw new StackError('internal', `memfd has seals 0x${found.toString(16)} after sealing`);
  }
}

const O_TMPFILE = 0o20000000 | openFlags.O_DIRECTORY;

/** Exported for its test: no machine is configured for both ways. */
export function unlinkedExecutable(
  content: Uint8Array,
  folders: readonly string[] = ['/run', '/dev/shm', os.tmpdir(), '/var/tmp'],
): number {
  for (const folder of folders) {
    try {
      return executableIn(folder, content);
    } catch {
      // no O_TMPFILE there, mounted noexec, or not ours to write to: the next folder may do
    }
  }
  throw new StackError(
    'permission_denied',
    'cannot create the loader: the sysctl vm.memfd_noexec=2 forbids executable memfds and no folder of ' +
      `${folders.join(', ')} allows unlinked executable files; set vm.memfd_noexec to 0 or 1`,
  );
}

function executableIn(folder: string, content: Uint8Array): number {
  const writer = fs.openSync(folder, O_TMPFILE | openFlags.O_RDWR, 0o500);
  try {
    fs.writeSync(writer, content);
    const path = `/proc/self/fd/${writer}`;
    fs.accessSync(path, fs.constants.X_OK); // EACCES on a mount with noexec
    return fs.openSync(path, openFlags.O_RDONLY | openFlags.O_CLOEXEC);
  } finally {
    fs.closeSync(writer); // a file that is open for writing cannot be executed
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof SyscallError && error.code === code;
}
