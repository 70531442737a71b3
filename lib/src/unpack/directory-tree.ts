/**
 * Directories below a root, opened so that no archive can lead out of it: openat2(2) resolves every symbolic link and
 * `..` as a process would that has been chrooted into the root, and what it returns is a descriptor, not a path that
 * somebody could bend afterwards.
 */
import fs from 'node:fs';
import {
  AT_FDCWD,
  close,
  mkdirat,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
  openat2,
  readlinkat,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  type RawPath,
} from '#lib/sys/file';
import { SyscallError } from '#lib/sys/libc';
import { StackError } from '#spec/errors';
import { shownName, type ByteString } from './tar-entry.ts';

/** Descriptors kept open; entries of an archive come directory by directory. */
const cacheSize = 64;
/** Symbolic links to nowhere that are followed one after the other, as the kernel limits it. */
const mostLinks = 40;

const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;

/** Called for every directory that an entry needs and no earlier entry made. */
export type OnImplied = (fd: number, path: ByteString) => void;

export class DirectoryTree {
  readonly rootFd: number;
  readonly #onImplied: OnImplied;
  #root: string | undefined;
  /** Counts calls of {@link forget}: what was resolved before the last one may lead elsewhere now. */
  generation = 0;
  /** By path below the root, least recently used first. */
  readonly #open = new Map<ByteString, number>();

  constructor(root: string, onImplied: OnImplied) {
    this.rootFd = openat(AT_FDCWD, root, O_RDONLY | O_DIRECTORY);
    this.#onImplied = onImplied;
  }

  /**
   * A descriptor of the directory `path`, made with its parents if missing. It stays valid until the next but one call.
   * Throws `invalid_argument` if something other than a directory is in the way.
   */
  directory(path: ByteString): number {
    if (path === '') return this.rootFd;
    const known = this.#open.get(path);
    if (known !== undefined) {
      this.#open.delete(path);
      this.#open.set(path, known);
      return known;
    }
    return this.#remember(path, this.#openOrMake(path, mostLinks));
  }

  /** {@link directory} that makes nothing: undefined if there is no such directory. */
  existing(path: ByteString): number | undefined {
    if (path === '' || this.#open.has(path)) return this.directory(path);
    try {
      return this.#remember(path, this.#openat2(path));
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
      throw error;
    }
  }

  /** Where `path` leads, all links resolved, below the root. */
  canonical(path: ByteString): ByteString {
    const resolved = fs.readlinkSync(`/proc/self/fd/${this.directory(path)}`, 'latin1');
    this.#root ??= fs.readlinkSync(`/proc/self/fd/${this.rootFd}`, 'latin1');
    return resolved.slice(this.#root === '/' ? 1 : this.#root.length + 1);
  }

  /** A new descriptor of the directory `path` itself, no link to one; undefined if there is none (any more). */
  reopen(path: ByteString): number | undefined {
    try {
      return this.#openat2(path === '' ? '.' : path, O_NOFOLLOW);
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
      throw error;
    }
  }

  /** Forgets open directories: to be called when a directory or a link on the way to one was removed. */
  forget(): void {
    for (const fd of this.#open.values()) close(fd);
    this.#open.clear();
    this.generation++;
  }

  close(): void {
    this.forget();
    close(this.rootFd);
  }

  #openat2(path: ByteString, flags = 0): number {
    return openat2(this.rootFd, rawPath(path), { flags: O_RDONLY | O_DIRECTORY | flags, resolve });
  }

  #openOrMake(path: ByteString, linksLeft: number): number {
    try {
      return this.#openat2(path);
    } catch (error) {
      if (isCode(error, 'ENOTDIR', 'ELOOP')) throw notADirectory(path, error);
      if (!isCode(error, 'ENOENT')) throw error;
    }
    const { parent, base } = splitLast(path);
    const parentFd = parent === '' ? this.rootFd : this.#openOrMake(parent, linksLeft);
    try {
      try {
        mkdirat(parentFd, rawPath(base), 0o755);
      } catch (error) {
        if (!isCode(error, 'EEXIST')) throw error;
        // It exists and yet could not be opened: a link to nowhere, whose target is made.
        if (linksLeft === 0) throw notADirectory(path, error);
        const target = targetOf(parentFd, base, path);
        return this.#openOrMake(
          target.startsWith('/') ? target : `${parent}/${target}`,
          linksLeft - 1,
        );
      }
      const fd = openat(parentFd, rawPath(base), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      this.#onImplied(fd, path);
      return fd;
    } finally {
      if (parentFd !== this.rootFd) close(parentFd);
    }
  }

  #remember(path: ByteString, fd: number): number {
    this.#open.set(path, fd);
    const [oldest] = this.#open;
    if (oldest && this.#open.size > cacheSize) {
      this.#open.delete(oldest[0]);
      close(oldest[1]);
    }
    return fd;
  }
}

/** The target of the link `base`. Throws if it is something else, such as `..` below a link to nowhere. */
function targetOf(parentFd: number, base: ByteString, path: ByteString): ByteString {
  try {
    return readlinkat(parentFd, rawPath(base)).toString('latin1');
  } catch (error) {
    throw notADirectory(path, error);
  }
}

/** Splits before the last component; `..` stays, the kernel resolves it. */
function splitLast(path: ByteString): { parent: ByteString; base: ByteString } {
  const trimmed = path.replace(/\/+$/, '');
  const slash = trimmed.lastIndexOf('/');
  return { parent: trimmed.slice(0, Math.max(0, slash)), base: trimmed.slice(slash + 1) };
}

function notADirectory(path: ByteString, cause: unknown): StackError {
  return new StackError('invalid_argument', `"${shownName(path)}" is not a directory`, { cause });
}

/** A name in the form system calls take: text where it is plain, else its bytes. */
export function rawPath(name: ByteString): RawPath {
  return /[^\x01-\x7f]/.test(name) ? Buffer.from(`${name}\0`, 'latin1') : name;
}

/** Whether `error` is a failed system call with one of these codes. */
export function isCode(error: unknown, ...codes: readonly string[]): error is SyscallError {
  return error instanceof SyscallError && codes.includes(error.code);
}
