/** What a layer's whiteouts do, in the two places a layer can be applied to. */
import { fsetxattr } from '#lib/sys/xattr';
import {
  lstatat,
  mknodat,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  close,
  openat,
  S_IFCHR,
} from '#lib/sys/file';
import { rawPath, type DirectoryTree } from './directory-tree.ts';
import type { EntryPath } from './entry-path.ts';
import { emptyDirectory, isDirectory, removeTree, statusOf } from './remove-tree.ts';
import type { ByteString } from './tar-entry.ts';

export interface Whiteouts {
  /** An entry of this layer is about to be made: whiteouts of the same layer do not concern it. */
  made(tree: DirectoryTree, path: EntryPath): void;
  /** Hides what lower layers have at `path`. */
  remove(tree: DirectoryTree, path: EntryPath): void;
  /** Hides everything that lower layers have in the directory. */
  opaque(tree: DirectoryTree, directory: ByteString): void;
  /** A new directory took the place of something that hid what lower layers have there. */
  directoryReplaced(fd: number): void;
}

/**
 * For the upper directory of an overlay (Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories"):
 * a character device 0:0 hides a name, an attribute makes a directory opaque. Lower layers are other directories.
 */
export class OverlayWhiteouts implements Whiteouts {
  made(): void {
    // whatever this layer has lies above what a whiteout hides
  }

  remove(tree: DirectoryTree, { parent, base }: EntryPath): void {
    const parentFd = tree.directory(parent);
    const own = statusOf(parentFd, base);
    if (!own) mknodat(parentFd, rawPath(base), S_IFCHR);
    else if (isDirectory(own)) {
      const fd = openat(parentFd, rawPath(base), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      try {
        makeOpaque(fd);
      } finally {
        close(fd);
      }
    }
  }

  opaque(tree: DirectoryTree, directory: ByteString): void {
    makeOpaque(tree.directory(directory));
  }

  directoryReplaced(fd: number): void {
    makeOpaque(fd);
  }
}

/** For a plain tree that holds the lower layers already: what is hidden is deleted. */
export class DeletingWhiteouts implements Whiteouts {
  /** Canonical paths of everything this layer made, and of the directories above it. */
  readonly #made = new Set<ByteString>();
  #last = { parent: '', generation: -1, canonical: '' };

  made(tree: DirectoryTree, { parent, base }: EntryPath): void {
    let path = joined(this.#canonical(tree, parent), base);
    while (path !== '' && !this.#made.has(path)) {
      this.#made.add(path);
      path = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    }
  }

  remove(tree: DirectoryTree, { parent, base }: EntryPath): void {
    const parentFd = tree.existing(parent);
    if (parentFd === undefined) return;
    const path = joined(this.#canonical(tree, parent), base);
    if (!this.#made.has(path)) {
      removeTree(parentFd, base);
      tree.forget();
    } else if (isDirectory(lstatat(parentFd, rawPath(base)))) {
      this.opaque(tree, joined(parent, base));
    }
  }

  opaque(tree: DirectoryTree, directory: ByteString): void {
    const fd = tree.existing(directory);
    if (fd === undefined) return;
    emptyDirectory(fd, tree.canonical(directory), (path) => this.#made.has(path));
    tree.forget();
  }

  directoryReplaced(): void {
    // nothing lies below
  }

  /** {@link DirectoryTree.canonical} of the parent, remembered: most entries lie where the one before them does. */
  #canonical(tree: DirectoryTree, parent: ByteString): ByteString {
    const { generation } = tree;
    if (this.#last.parent !== parent || this.#last.generation !== generation) {
      this.#last = { parent, generation, canonical: tree.canonical(parent) };
    }
    return this.#last.canonical;
  }
}

function makeOpaque(fd: number): void {
  fsetxattr(fd, 'trusted.overlay.opaque', Buffer.from('y'));
}

function joined(parent: ByteString, base: ByteString): ByteString {
  return parent === '' ? base : `${parent}/${base}`;
}
