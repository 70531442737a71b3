/** Removes what a later layer hides or replaces, never following a symbolic link. */
import fs from 'node:fs';
import {
  AT_REMOVEDIR,
  close,
  lstatat,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
  S_IFDIR,
  S_IFMT,
  unlinkat,
  type FileStatus,
} from '#lib/sys/file';
import { isCode, rawPath } from './directory-tree.ts';
import type { ByteString } from './tar-entry.ts';

/** Decides for each path below a directory whether it stays. */
export type Keep = (path: ByteString) => boolean;

/** Removes `name` with everything in it. Nothing happens if there is none. */
export function removeTree(parentFd: number, name: ByteString): void {
  const path = rawPath(name);
  try {
    unlinkat(parentFd, path);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return;
    if (!isCode(error, 'EISDIR', 'EPERM')) throw error;
    inDirectory(parentFd, name, (fd) => {
      for (const child of namesIn(fd)) removeTree(fd, child);
    });
    unlinkat(parentFd, path, AT_REMOVEDIR);
  }
}

/** Removes everything in the open directory `path` that `keep` does not want. */
export function emptyDirectory(fd: number, path: ByteString, keep: Keep): void {
  for (const name of namesIn(fd)) {
    const child = path === '' ? name : `${path}/${name}`;
    if (!keep(child)) removeTree(fd, name);
    else if (isDirectory(lstatat(fd, rawPath(name)))) {
      inDirectory(fd, name, (childFd) => emptyDirectory(childFd, child, keep));
    }
  }
}

/** What is at `name`, a symbolic link itself; undefined for nothing. */
export function statusOf(parentFd: number, name: ByteString): FileStatus | undefined {
  try {
    return lstatat(parentFd, rawPath(name));
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

export function isDirectory({ mode }: FileStatus): boolean {
  return (mode & S_IFMT) === S_IFDIR;
}

function inDirectory(parentFd: number, name: ByteString, act: (fd: number) => void): void {
  const fd = openat(parentFd, rawPath(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    act(fd);
  } finally {
    close(fd);
  }
}

function namesIn(fd: number): ByteString[] {
  return fs
    .readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' })
    .map((name) => name.toString('latin1'));
}
