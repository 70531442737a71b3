/** Files of the cgroup file systems. Every error names the file, and the value that the kernel did not take. */
import fs from 'node:fs';
import { errorCode } from '#spec/errors';
import { SyscallError } from '../sys/libc.ts';

/** Throws a SyscallError such as `write 5 to /sys/fs/cgroup/cpu/x/cpu.shares: EINVAL`. */
export function writeCgroupFile(file: string, value: string | number): void {
  try {
    // No O_CREAT: a file that does not exist is ENOENT and not EACCES.
    const fd = fs.openSync(file, fs.constants.O_WRONLY);
    try {
      fs.writeSync(fd, text(value));
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    throw named(error, 'write', `${text(value)} to ${file}`);
  }
}

/** {@link writeCgroupFile} that answers false where the kernel has no such file. */
export function writeIfPresent(file: string, value: string | number): boolean {
  try {
    writeCgroupFile(file, value);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Content without the final newline. Throws a SyscallError such as `read /sys/fs/…/cgroup.procs: ENOENT`. */
export function readCgroupFile(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8').trimEnd();
  } catch (error) {
    throw named(error, 'read', file);
  }
}

/** {@link readCgroupFile}, or undefined where the kernel has no such file or does not support reading it. */
export function readIfPresent(file: string): string | undefined {
  try {
    return readCgroupFile(file);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'EOPNOTSUPP' || code === 'ENODEV') return undefined;
    throw error;
  }
}

/** The number in a file that holds one; `max` is Infinity. undefined where there is no such file. */
export function readNumber(file: string): number | undefined {
  const content = readIfPresent(file);
  if (content === undefined) return undefined;
  return content === 'max' ? Infinity : Number(content);
}

/** The lines `key value` of a flat keyed file; empty where there is no such file. */
export function readKeyed(file: string): ReadonlyMap<string, number> {
  const lines = readIfPresent(file)?.split('\n') ?? [];
  return new Map(
    lines.map((line) => {
      const [key = '', value = ''] = line.split(' ');
      return [key, Number(value)];
    }),
  );
}

/** Numbers above 2^53 in digits, never in exponent form. */
function text(value: string | number): string {
  return typeof value === 'number' ? BigInt(value).toString() : value;
}

function named(error: unknown, syscall: string, subject: string): unknown {
  if (!(error instanceof Error) || !('errno' in error) || typeof error.errno !== 'number') {
    return error;
  }
  return new SyscallError(syscall, -error.errno, subject);
}
