/**
 * Small files of a container's root, read without trusting it: /etc/passwd may be a symbolic link to the host's,
 * a FIFO, or gigabytes long.
 */
import fs from 'node:fs';
import path from 'node:path';
import {
  close,
  O_CLOEXEC,
  O_PATH,
  O_RDONLY,
  openat2,
  RESOLVE_IN_ROOT,
  AT_FDCWD,
  openat,
} from '#lib/sys/file';
import { lgetxattr } from '#lib/sys/xattr';
import { errorCode } from '#spec/errors';

/** Reads text files of a root file system by their path inside it. */
export interface RootFiles {
  /** Undefined when there is no such regular file (of at most 4 MiB). */
  read(file: string): string | undefined;
}

/** No passwd, group or os-release file is larger. */
const maximumBytes = 4 * 1024 * 1024;
/** As the kernel's own limit for one path. */
const maximumLinks = 40;
const { O_NONBLOCK, O_NOFOLLOW } = fs.constants;

/** The root of a running process, resolved by the kernel inside that root. */
export class ProcessRootFiles implements RootFiles {
  readonly #root: string;

  constructor(pid: number) {
    this.#root = `/proc/${pid}/root`;
  }

  read(file: string): string | undefined {
    const root = openat(AT_FDCWD, this.#root, O_PATH);
    try {
      const fd = openat2(root, file, {
        flags: O_RDONLY | O_NONBLOCK | O_CLOEXEC,
        resolve: RESOLVE_IN_ROOT,
      });
      try {
        return readRegularFile(fd);
      } finally {
        close(fd);
      }
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    } finally {
      close(root);
    }
  }
}

/** A mount as containerd's snapshotters describe it. */
export interface SnapshotMount {
  type: string;
  source: string;
  options: readonly string[];
}

/**
 * The root that snapshot mounts would give, read from its layers without mounting it. Only for a root that no process
 * uses: its own would see links change between two steps.
 */
export class SnapshotRootFiles implements RootFiles {
  /** Uppermost first. */
  readonly #layers: readonly string[];

  constructor(mounts: readonly SnapshotMount[]) {
    this.#layers = mounts.flatMap(layersOf);
  }

  read(file: string): string | undefined {
    let links = 0;
    let pending = componentsOf(file);
    // Each level holds the folders, uppermost first, that overlayfs would merge into one.
    let levels: (readonly string[])[] = [this.#layers];
    while (true) {
      const [name, ...rest] = pending;
      if (name === undefined) return undefined; // a folder
      pending = rest;
      if (name === '..') {
        if (levels.length > 1) levels = levels.slice(0, -1);
        continue;
      }
      const found = lookUp(levels.at(-1) ?? [], name);
      if (!found) return undefined;
      if (found.kind === 'link') {
        if (++links > maximumLinks) return undefined;
        if (found.target.startsWith('/')) levels = [this.#layers];
        pending = [...componentsOf(found.target), ...pending];
      } else if (found.kind === 'folder') {
        levels = [...levels, found.folders];
      } else {
        return pending.length === 0 ? readPath(found.path) : undefined;
      }
    }
  }
}

type Found =
  | { kind: 'folder'; folders: string[] }
  | { kind: 'link'; target: string }
  | { kind: 'file'; path: string };

/** What overlayfs shows for `name` in the folder merged from `folders`: whiteouts hide, opaque folders end the merge. */
function lookUp(folders: readonly string[], name: string): Found | undefined {
  const merged: string[] = [];
  for (const folder of folders) {
    const candidate = path.join(folder, name);
    const status = fs.lstatSync(candidate, { throwIfNoEntry: false });
    if (!status) continue;
    if (status.isDirectory()) {
      merged.push(candidate);
      if (isOpaque(candidate)) break;
      continue;
    }
    if (merged.length > 0 || (status.isCharacterDevice() && status.rdev === 0)) break;
    if (status.isSymbolicLink()) return { kind: 'link', target: fs.readlinkSync(candidate) };
    return { kind: 'file', path: candidate };
  }
  return merged.length > 0 ? { kind: 'folder', folders: merged } : undefined;
}

function isOpaque(folder: string): boolean {
  return ['trusted.overlay.opaque', 'user.overlay.opaque'].some((name) => {
    try {
      return lgetxattr(folder, name).toString() === 'y';
    } catch {
      return false; // no such attribute, or a file system without them
    }
  });
}

function layersOf({ type, source, options }: SnapshotMount): string[] {
  if (type !== 'overlay') return [source];
  const value = (name: string): string[] =>
    options
      .filter((option) => option.startsWith(`${name}=`))
      .map((option) => option.slice(name.length + 1));
  return [...value('upperdir'), ...value('lowerdir').flatMap((list) => list.split(':'))];
}

function componentsOf(file: string): string[] {
  return file.split('/').filter((part) => part !== '' && part !== '.');
}

function readPath(file: string): string | undefined {
  const fd = fs.openSync(file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  try {
    return readRegularFile(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function readRegularFile(fd: number): string | undefined {
  const status = fs.fstatSync(fd);
  if (!status.isFile() || status.size > maximumBytes) return undefined;
  return fs.readFileSync(fd, 'utf8');
}

function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(errorCode(error) ?? '');
}
