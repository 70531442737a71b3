/** Extended attributes. Values are raw bytes. */
import { check, libcFunction } from './libc.ts';
import type { RawPath } from './file.ts';

const libc = {
  fsetxattr: libcFunction('int fsetxattr(int, const char *, const void *, size_t, int)'),
  fgetxattr: libcFunction('long fgetxattr(int, const char *, void *, size_t)'),
  flistxattr: libcFunction('long flistxattr(int, void *, size_t)'),
  lsetxattr: libcFunction('int lsetxattr(const char *, const char *, const void *, size_t, int)'),
  lgetxattr: libcFunction('long lgetxattr(const char *, const char *, void *, size_t)'),
  llistxattr: libcFunction('long llistxattr(const char *, void *, size_t)'),
};

/** fsetxattr(2): creates or replaces. */
export function fsetxattr(fd: number, name: RawPath, value: Uint8Array): void {
  check(libc.fsetxattr(fd, name, value, value.length, 0), 'fsetxattr', shown(name));
}

/** fgetxattr(2). Throws SyscallError with code `ENODATA` where the file has no such attribute. */
export function fgetxattr(fd: number, name: RawPath): Buffer {
  const size = check(libc.fgetxattr(fd, name, null, 0), 'fgetxattr', shown(name));
  const value = Buffer.alloc(size);
  return value.subarray(0, check(libc.fgetxattr(fd, name, value, size), 'fgetxattr', shown(name)));
}

/** flistxattr(2): the names of all attributes that the caller may see. */
export function flistxattr(fd: number): string[] {
  const names = Buffer.alloc(check(libc.flistxattr(fd, null, 0), 'flistxattr'));
  return splitNames(names, check(libc.flistxattr(fd, names, names.length), 'flistxattr'));
}

/** lsetxattr(2): creates or replaces, on a symbolic link itself. */
export function lsetxattr(path: RawPath, name: RawPath, value: Uint8Array): void {
  check(libc.lsetxattr(path, name, value, value.length, 0), 'lsetxattr', shown(name));
}

/** lgetxattr(2). Throws SyscallError with code `ENODATA` where `path` has no such attribute. */
export function lgetxattr(path: RawPath, name: RawPath): Buffer {
  const size = check(libc.lgetxattr(path, name, null, 0), 'lgetxattr', shown(name));
  const value = Buffer.alloc(size);
  const read = check(libc.lgetxattr(path, name, value, size), 'lgetxattr', shown(name));
  return value.subarray(0, read);
}

/** llistxattr(2): the names of all attributes that the caller may see. */
export function llistxattr(path: RawPath): string[] {
  const size = check(libc.llistxattr(path, null, 0), 'llistxattr', shown(path));
  const names = Buffer.alloc(size);
  const read = check(libc.llistxattr(path, names, size), 'llistxattr', shown(path));
  return splitNames(names, read);
}

function splitNames(names: Buffer, length: number): string[] {
  return names
    .toString('utf8', 0, length)
    .split('\0')
    .filter((name) => name !== '');
}

function shown(name: RawPath): string {
  return typeof name === 'string' ? name : name.toString('utf8').replace(/\0$/, '');
}
