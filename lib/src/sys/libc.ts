/** Functions of libc as JavaScript functions, and the one place where errno becomes an error. */
import { constants } from 'node:os';
import { StackError, type ErrorKind } from '#spec/errors';
import { loadKoffi } from './koffi.ts';

/** What an errno means for a caller; anything absent is `internal`. */
const kindByCode: Readonly<Record<string, ErrorKind>> = {
  ENOENT: 'not_found',
  ESRCH: 'not_found',
  ENODEV: 'not_found',
  EEXIST: 'already_exists',
  EPERM: 'permission_denied',
  EACCES: 'permission_denied',
  EINVAL: 'invalid_argument',
  ENAMETOOLONG: 'invalid_argument',
  ENOTDIR: 'invalid_argument',
  ELOOP: 'invalid_argument',
  EBUSY: 'conflict',
  ENOTEMPTY: 'conflict',
  ENOSPC: 'resource_exhausted',
  EMFILE: 'resource_exhausted',
  ENFILE: 'resource_exhausted',
  ENOMEM: 'resource_exhausted',
  EAGAIN: 'unavailable',
  ENOSYS: 'unimplemented',
  EOPNOTSUPP: 'unimplemented',
};

/** A system call that failed: `mount /nope on /nope2: ENOENT`. */
export class SyscallError extends StackError {
  override readonly name = 'SyscallError';
  /** Name as in the man page. */
  readonly syscall: string;
  /** `ENOENT`, `EPERM`, … */
  readonly code: string;
  /** Positive number. */
  readonly errno: number;

  constructor(syscall: string, errno: number, subject = '') {
    const code = errnoName(errno);
    super(kindByCode[code] ?? 'internal', `${syscall}${subject && ' '}${subject}: ${code}`);
    this.syscall = syscall;
    this.code = code;
    this.errno = errno;
  }
}

const numberByCode = constants.errno as Readonly<Record<string, number>>;

/** `ENOENT` for 2. */
export function errnoName(errno: number): string {
  // os.constants also has the names that libuv does not use (ECHILD).
  const found = Object.entries(numberByCode).find(([, value]) => value === errno);
  return found?.[0] ?? `errno ${errno}`;
}

/** 2 for `ENOENT`. Throws RangeError for a name that this platform does not have. */
export function errnoNumber(code: string): number {
  const value = numberByCode[code];
  if (value === undefined) throw new RangeError(`unknown errno "${code}"`);
  return value;
}

/** Arguments koffi turns into C values: numbers, strings, buffers (passed as pointers), null. */
export type NativeArgument = number | bigint | string | null | NodeJS.ArrayBufferView;

type LibraryHandle = ReturnType<ReturnType<typeof loadKoffi>['load']>;
let library: LibraryHandle | undefined;

/**
 * A libc function by its C prototype, bound at its first call. The result is number (or bigint above 2^53);
 * give it to {@link check}. Pointers to memory the kernel writes are declared `_Out_ uint8_t *` or plain
 * `void *` and take a Buffer.
 */
export function libcFunction(prototype: string): (...args: NativeArgument[]) => number {
  let bound: ((...args: NativeArgument[]) => number) | undefined;
  return (...args) => {
    if (!bound) {
      library ??= loadKoffi().load('libc.so.6');
      bound = library.func(prototype);
    }
    return bound(...args);
  };
}

/** errno of the last libc call on this thread; read it before anything else runs. */
export function lastErrno(): number {
  return loadKoffi().errno();
}

/** Returns `result` unless it is negative: then throws the {@link SyscallError} that errno names. */
export function check(result: number, syscall: string, subject?: string): number {
  if (result < 0) throw new SyscallError(syscall, lastErrno(), subject);
  return result;
}
