/**
 * Copies the content of one directory into another, by descriptors alone: whoever can change the source meanwhile gets
 * neither a file of the host copied nor one written. Owners, modes, times and extended attributes come along.
 */
import fs from 'node:fs';
import {
  close,
  fchmod,
  fchown,
  futimens,
  lchownat,
  lstatat,
  mkdirat,
  mknodat,
  openat,
  openat2,
  readlinkat,
  symlinkat,
  writeAll,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  type FileStatus,
} from '#lib/sys/file';
import { fgetxattr, flistxattr, fsetxattr } from '#lib/sys/xattr';

const bufferSize = 1 << 20;

/** `from` and `to` are descriptors of directories, `to` an empty one. */
export function copyTree(from: number, to: number): void {
  for (const name of fs.readdirSync(`/proc/self/fd/${from}`)) {
    const status = lstatat(from, name);
    switch (status.mode & S_IFMT) {
      case S_IFDIR:
        copyDirectory(from, to, name);
        break;
      case S_IFREG:
        copyFile(from, to, name);
        break;
      case S_IFLNK: {
        const target = readlinkat(from, name);
        symlinkat(Buffer.concat([target, Buffer.alloc(1)]), to, name);
        lchownat(to, name, status.uid, status.gid);
        break;
      }
      default: // sockets are nothing without who listens, but take their place as runc's copy does
        mknodat(to, name, status.mode, status.rdev);
        lchownat(to, name, status.uid, status.gid);
    }
  }
}

function copyDirectory(from: number, to: number, name: string): void {
  withDescriptor(openBeneath(from, name, O_RDONLY | O_DIRECTORY), (source) => {
    mkdirat(to, name, 0o700);
    withDescriptor(openBeneath(to, name, O_RDONLY | O_DIRECTORY), (copy) => {
      copyTree(source, copy);
      copyAttributes(source, copy);
    });
  });
}

function copyFile(from: number, to: number, name: string): void {
  withDescriptor(openBeneath(from, name, O_RDONLY), (source) => {
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    withDescriptor(openat(to, name, flags, 0o600), (copy) => {
      const buffer = Buffer.allocUnsafe(bufferSize);
      for (let count; (count = fs.readSync(source, buffer)) > 0;) {
        writeAll(copy, buffer.subarray(0, count));
      }
      copyAttributes(source, copy);
    });
  });
}

function openBeneath(directory: number, name: string, flags: number): number {
  return openat2(directory, name, {
    flags: flags | O_NOFOLLOW,
    resolve: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
  });
}

/** Of an open file or directory. The owner first: a change of it clears setuid and capabilities. */
export function copyAttributes(from: number, to: number): void {
  const status: FileStatus = lstatat(from, '');
  fchown(to, status.uid, status.gid);
  fchmod(to, status.mode & 0o7777);
  for (const name of flistxattr(from)) {
    // Labels belong to where a file lies.
    if (name !== 'security.selinux') fsetxattr(to, name, fgetxattr(from, name));
  }
  futimens(to, status.accessTime, status.modificationTime);
}

function withDescriptor(fd: number, use: (fd: number) => void): void {
  try {
    use(fd);
  } finally {
    close(fd);
  }
}
