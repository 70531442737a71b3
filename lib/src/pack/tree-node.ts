/**
 * A file of a tree that somebody may be changing: held by a descriptor that neither reads it nor follows it, so that no
 * link put in its place leads out of the tree.
 */
import fs from 'node:fs';
import {
  AT_FDCWD,
  close,
  lstatat,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  openat,
  readlinkat,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  type FileStatus,
} from '#lib/sys/file';
import { lgetxattr, llistxattr } from '#lib/sys/xattr';
import { isCode, rawPath } from '#lib/unpack/directory-tree';
import type { ByteString } from '#lib/unpack/tar-entry';

export class TreeNode {
  /** O_PATH. */
  readonly fd: number;
  readonly status: FileStatus;
  /** Below the root of the tree, without a slash in front; empty, or `.`, for the root itself. */
  readonly path: ByteString;
  readonly parent: TreeNode | undefined;
  /** A path at which the attributes of the file itself are found. */
  readonly #location: string | Buffer;
  #xattrs: ReadonlyMap<string, Buffer> | undefined;

  private constructor(fd: number, path: ByteString, parent: TreeNode | undefined, name: string) {
    this.fd = fd;
    this.path = path;
    this.parent = parent;
    this.#location = parent ? rawPath(`/proc/self/fd/${parent.fd}/${name}`) : name;
    this.status = lstatat(fd, '');
  }

  /** The root of the tree at `folder`, which may be a link. With the path `.` all others begin with `./`. */
  static root(folder: string, path: '' | '.' = ''): TreeNode {
    const fd = openat(AT_FDCWD, folder, O_PATH | O_DIRECTORY);
    return new TreeNode(fd, path, undefined, `/proc/self/fd/${fd}/.`);
  }

  /** What lies in this directory under `name`; undefined for nothing. */
  child(name: ByteString): TreeNode | undefined {
    try {
      const fd = openat(this.fd, rawPath(name), O_PATH | O_NOFOLLOW);
      return new TreeNode(fd, this.path === '' ? name : `${this.path}/${name}`, this, name);
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined; // removed since its name was read
      throw error;
    }
  }

  /** Names in this directory, in the order of their bytes. */
  names(): ByteString[] {
    return fs
      .readdirSync(`/proc/self/fd/${this.fd}`, { encoding: 'buffer' })
      .map((name) => name.toString('latin1'))
      .sort();
  }

  get isDirectory(): boolean {
    return this.#type === S_IFDIR;
  }

  get isFile(): boolean {
    return this.#type === S_IFREG;
  }

  get isSymlink(): boolean {
    return this.#type === S_IFLNK;
  }

  /** Where a symbolic link points. */
  linkTarget(): ByteString {
    return readlinkat(this.fd, '').toString('latin1');
  }

  /** All extended attributes that the process may see. */
  xattrs(): ReadonlyMap<string, Buffer> {
    this.#xattrs ??= this.#readXattrs();
    return this.#xattrs;
  }

  /** A descriptor to read a regular file with. */
  openContent(): number {
    return openat(AT_FDCWD, `/proc/self/fd/${this.fd}`, O_RDONLY);
  }

  close(): void {
    close(this.fd);
  }

  get #type(): number {
    return this.status.mode & S_IFMT;
  }

  #readXattrs(): ReadonlyMap<string, Buffer> {
    const values = new Map<string, Buffer>();
    try {
      for (const name of llistxattr(this.#location).sort()) {
        values.set(name, lgetxattr(this.#location, name));
      }
    } catch (error) {
      // A file system without attributes, or a file that has just gone.
      if (!isCode(error, 'EOPNOTSUPP', 'ENOTSUP', 'ENOENT', 'ENODATA')) throw error;
    }
    return values;
  }
}

/** Calls `act` with a node and closes it afterwards, also when the generator is given up. */
export function* using<T>(node: TreeNode, act: (node: TreeNode) => Iterable<T>): Generator<T> {
  try {
    yield* act(node);
  } finally {
    node.close();
  }
}
