/**
 * File system calls relative to a directory descriptor, for code that must not be led astray by symbolic links.
 * All are synchronous. Descriptors opened here are closed by {@link close}, never by node:fs, which in a worker
 * thread warns about descriptors that it did not open.
 */
import { constants } from 'node:fs';
import { check, lastErrno, libcFunction, SyscallError } from './libc.ts';

/** A path or name: text (UTF-8), or raw bytes that end with a zero byte. */
export type RawPath = string | Buffer;

/** The directory that relative paths start from in calls of the `*at` family. */
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_EMPTY_PATH = 0x1000;

export const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, O_NOFOLLOW } =
  constants;
export const O_PATH = 0o10000000;
export const O_CLOEXEC = 0o2000000;

/** `how.resolve` of openat2(2). */
export const RESOLVE_NO_XDEV = 0x01;
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_NO_SYMLINKS = 0x04;
export const RESOLVE_BENEATH = 0x08;
export const RESOLVE_IN_ROOT = 0x10;

export const { S_IFMT, S_IFREG, S_IFDIR, S_IFCHR, S_IFBLK, S_IFIFO, S_IFLNK } = constants;

const SYS_openat2 = 437; // the same on every architecture
const STATX_BASIC_STATS = 0x7ff;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
/** How often openat2 is asked again when a rename elsewhere made it give up (EAGAIN). */
const openat2Attempts = 128;

const libc = {
  openat: libcFunction('int openat(int, const char *, int, unsigned int)'),
  openat2: libcFunction('long syscall(long, int, const char *, const void *, size_t)'),
  close: libcFunction('int close(int)'),
  mkdirat: libcFunction('int mkdirat(int, const char *, unsigned int)'),
  mknodat: libcFunction('int mknodat(int, const char *, unsigned int, uint64_t)'),
  symlinkat: libcFunction('int symlinkat(const char *, int, const char *)'),
  linkat: libcFunction('int linkat(int, const char *, int, const char *, int)'),
  unlinkat: libcFunction('int unlinkat(int, const char *, int)'),
  readlinkat: libcFunction('long readlinkat(int, const char *, void *, size_t)'),
  fchown: libcFunction('int fchown(int, unsigned int, unsigned int)'),
  fchownat: libcFunction('int fchownat(int, const char *, unsigned int, unsigned int, int)'),
  fchmod: libcFunction('int fchmod(int, unsigned int)'),
  fchmodat: libcFunction('int fchmodat(int, const char *, unsigned int, int)'),
  futimens: libcFunction('int futimens(int, const void *)'),
  utimensat: libcFunction('int utimensat(int, const char *, const void *, int)'),
  write: libcFunction('long write(int, const void *, size_t)'),
  pwrite: libcFunction('long pwrite64(int, const void *, size_t, int64_t)'),
  ftruncate: libcFunction('int ftruncate(int, int64_t)'),
  lseek: libcFunction('int64_t lseek64(int, int64_t, int)'),
  statx: libcFunction('int statx(int, const char *, int, unsigned int, void *)'),
};

/** openat(2). `O_CLOEXEC` is always set. */
export function openat(dirfd: number, path: RawPath, flags: number, mode = 0): number {
  return named(libc.openat(dirfd, path, flags | O_CLOEXEC, mode), 'openat', path);
}

export interface OpenHow {
  flags: number;
  mode?: number;
  /** `RESOLVE_…` */
  resolve: number;
}

/** openat2(2). `O_CLOEXEC` is always set. A race with a rename is tried again. */
export function openat2(
  dirfd: number,
  path: RawPath,
  { flags, mode = 0, resolve }: OpenHow,
): number {
  const how = Buffer.alloc(24);
  how.writeUInt32LE((flags | O_CLOEXEC) >>> 0, 0);
  how.writeUInt32LE(mode, 8);
  how.writeUInt32LE(resolve, 16);
  for (let attempt = 1; ; attempt++) {
    const fd = libc.openat2(SYS_openat2, dirfd, path, how, how.length);
    if (fd >= 0) return fd;
    const error = new SyscallError('openat2', lastErrno(), textOf(path));
    if (error.code !== 'EAGAIN' || attempt === openat2Attempts) throw error;
  }
}

/** close(2) of a descriptor that came from this file. */
export function close(fd: number): void {
  check(libc.close(fd), 'close');
}

/** mkdirat(2). The process's umask applies. */
export function mkdirat(dirfd: number, path: RawPath, mode: number): void {
  named(libc.mkdirat(dirfd, path, mode), 'mkdirat', path);
}

/** mknodat(2). `mode` holds the type (`S_IFCHR`, …); the umask applies to the rest. */
export function mknodat(
  dirfd: number,
  path: RawPath,
  mode: number,
  device: { major: number; minor: number } = { major: 0, minor: 0 },
): void {
  named(libc.mknodat(dirfd, path, mode, makedev(device.major, device.minor)), 'mknodat', path);
}

/** symlinkat(2). */
export function symlinkat(target: RawPath, dirfd: number, path: RawPath): void {
  named(libc.symlinkat(target, dirfd, path), 'symlinkat', path);
}

/** linkat(2), without following `path` when it is a symbolic link. */
export function linkat(dirfd: number, path: RawPath, newDirfd: number, newPath: RawPath): void {
  named(libc.linkat(dirfd, path, newDirfd, newPath, 0), 'linkat', path);
}

/** unlinkat(2); `flags` is 0 or `AT_REMOVEDIR`. */
export function unlinkat(dirfd: number, path: RawPath, flags = 0): void {
  named(libc.unlinkat(dirfd, path, flags), 'unlinkat', path);
}

/** readlinkat(2): the raw bytes of the link, without a zero byte at the end. */
export function readlinkat(dirfd: number, path: RawPath): Buffer {
  const target = Buffer.alloc(4096); // PATH_MAX: the kernel stores no longer one
  return target.subarray(
    0,
    named(libc.readlinkat(dirfd, path, target, target.length), 'readlinkat', path),
  );
}

/** fchown(2). Clears setuid, setgid and file capabilities, so it comes before them. */
export function fchown(fd: number, uid: number, gid: number): void {
  check(libc.fchown(fd, uid, gid), 'fchown');
}

/** fchownat(2), of a symbolic link itself. */
export function lchownat(dirfd: number, path: RawPath, uid: number, gid: number): void {
  named(libc.fchownat(dirfd, path, uid, gid, AT_SYMLINK_NOFOLLOW), 'fchownat', path);
}

/** fchmod(2). */
export function fchmod(fd: number, mode: number): void {
  check(libc.fchmod(fd, mode), 'fchmod');
}

/** fchmodat(2). Follows a symbolic link: only for a name that was just created as something else. */
export function fchmodat(dirfd: number, path: RawPath, mode: number): void {
  named(libc.fchmodat(dirfd, path, mode, 0), 'fchmodat', path);
}

/** A point in time as the kernel stores it: whole seconds (negative before 1970) and 0 to 999999999 on top. */
export interface Timespec {
  seconds: number;
  nanoseconds: number;
}

/** futimens(3): access and modification time. */
export function futimens(fd: number, access: Timespec, modification: Timespec): void {
  check(libc.futimens(fd, timespecs(access, modification)), 'futimens');
}

/** utimensat(2), of a symbolic link itself. */
export function lutimensat(
  dirfd: number,
  path: RawPath,
  access: Timespec,
  modification: Timespec,
): void {
  const times = timespecs(access, modification);
  named(libc.utimensat(dirfd, path, times, AT_SYMLINK_NOFOLLOW), 'utimensat', path);
}

/** write(2), repeated until all of `bytes` is written. */
export function writeAll(fd: number, bytes: Buffer): void {
  for (let rest = bytes; rest.length > 0;) {
    rest = rest.subarray(check(libc.write(fd, rest, rest.length), 'write'));
  }
}

/** pwrite(2), repeated until all of `bytes` is written from `position` on. */
export function pwriteAll(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length;) {
    const rest = bytes.subarray(done);
    done += check(libc.pwrite(fd, rest, rest.length, position + done), 'pwrite');
  }
}

/** ftruncate(2). */
export function ftruncate(fd: number, size: number): void {
  check(libc.ftruncate(fd, size), 'ftruncate');
}

/**
 * lseek(2) with SEEK_DATA: where the next data at or behind `offset` begins; undefined where only a hole is left. The
 * descriptor's position moves.
 */
export function seekData(fd: number, offset: number): number | undefined {
  const found = libc.lseek(fd, offset, SEEK_DATA);
  if (found >= 0) return found;
  const error = new SyscallError('lseek', lastErrno());
  if (error.code === 'ENXIO') return undefined;
  throw error;
}

/** lseek(2) with SEEK_HOLE: where the data at `offset` ends; the end of a file counts as a hole. */
export function seekHole(fd: number, offset: number): number {
  return check(libc.lseek(fd, offset, SEEK_HOLE), 'lseek');
}

/** What statx(2) says of a file. */
export interface FileStatus {
  /** Type and permission bits. */
  mode: number;
  uid: number;
  gid: number;
  links: number;
  inode: bigint;
  sizeBytes: number;
  /** What it takes on disk: less than its size where it has holes. */
  allocatedBytes: number;
  accessTime: Timespec;
  modificationTime: Timespec;
  /** Of a device node. */
  rdev: { major: number; minor: number };
  /** File system it lies on. */
  dev: { major: number; minor: number };
}

/** statx(2), of a symbolic link itself. An empty `path` asks about `dirfd`. */
export function lstatat(dirfd: number, path: RawPath): FileStatus {
  const buffer = Buffer.alloc(256);
  const flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
  named(libc.statx(dirfd, path, flags, STATX_BASIC_STATS, buffer), 'statx', path);
  const time = (offset: number) => ({
    seconds: Number(buffer.readBigInt64LE(offset)),
    nanoseconds: buffer.readUInt32LE(offset + 8),
  });
  return {
    links: buffer.readUInt32LE(16),
    uid: buffer.readUInt32LE(20),
    gid: buffer.readUInt32LE(24),
    mode: buffer.readUInt16LE(28),
    inode: buffer.readBigUInt64LE(32),
    sizeBytes: Number(buffer.readBigUInt64LE(40)),
    allocatedBytes: Number(buffer.readBigUInt64LE(48)) * 512,
    accessTime: time(64),
    modificationTime: time(112),
    rdev: { major: buffer.readUInt32LE(128), minor: buffer.readUInt32LE(132) },
    dev: { major: buffer.readUInt32LE(136), minor: buffer.readUInt32LE(140) },
  };
}

/** makedev(3) of glibc: the two numbers interleaved in 64 bits. */
function makedev(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return (
    ((high & 0xfffff000n) << 32n) |
    ((high & 0xfffn) << 8n) |
    ((low & 0xffffff00n) << 12n) |
    (low & 0xffn)
  );
}

/** Reused by every call: they are synchronous, and each thread has its own copy of this module. */
const times = new BigInt64Array(4);

function timespecs(access: Timespec, modification: Timespec): BigInt64Array {
  times[0] = BigInt(access.seconds);
  times[1] = BigInt(access.nanoseconds);
  times[2] = BigInt(modification.seconds);
  times[3] = BigInt(modification.nanoseconds);
  return times;
}

/** {@link check} that turns the path into text only when it fails. */
function named(result: number, syscall: string, path: RawPath): number {
  if (result < 0) throw new SyscallError(syscall, lastErrno(), textOf(path));
  return result;
}

function textOf(path: RawPath): string {
  return typeof path === 'string' ? path : path.toString('utf8').replace(/\0$/, '');
}
