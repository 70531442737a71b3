/** Turns the entries of a layer into files, directories, links and devices below a root. */
import {
  close,
  futimens,
  ftruncate,
  linkat,
  lstatat,
  mkdirat,
  mknodat,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  openat,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  symlinkat,
  writeAll,
} from '#lib/sys/file';
import { isStackError, StackError } from '#spec/errors';
import { isCode, rawPath, type DirectoryTree } from './directory-tree.ts';
import { entryPathOf, whiteoutOf, type EntryPath } from './entry-path.ts';
import type { LayerLimits } from './limits.ts';
import {
  accessTimeOf,
  applyToDescriptor,
  applyToLink,
  applyToName,
  modificationTimeOf,
  type DirectoryTimes,
} from './metadata.ts';
import { writeSegments, type OpenFile } from './open-file.ts';
import { isDirectory, removeTree, statusOf } from './remove-tree.ts';
import { shownName, type ByteString, type TarEntry } from './tar-entry.ts';
import type { TarSink } from './tar-reader.ts';
import type { Whiteouts } from './whiteouts.ts';

/** How many skipped attributes are reported; an archive can name millions. */
const mostWarnings = 20;

const nodeType = { character: S_IFCHR, block: S_IFBLK, fifo: S_IFIFO } as const;

/** How an archive that is no layer is unpacked differently. */
export interface WritingHabits {
  /** Refuse to put a directory where something else is, and the other way round. */
  readonly keepKinds: boolean;
  /** Who gets what the archive gives to somebody. */
  readonly owner: ((said: EntryOwner) => EntryOwner) | undefined;
}

/** To whom a file belongs. */
export interface EntryOwner {
  readonly uid: number;
  readonly gid: number;
}

export class LayerWriter implements TarSink {
  /** Extended attributes that were left out, as sentences. */
  readonly warnings: string[] = [];
  entries = 0;
  readonly #tree: DirectoryTree;
  readonly #whiteouts: Whiteouts | undefined;
  readonly #limits: LayerLimits;
  readonly #habits: WritingHabits;
  /** Set at the end, because every file made in a directory changes them. */
  readonly #directoryTimes = new Map<ByteString, DirectoryTimes>();
  #file: OpenFile | undefined;
  #name: ByteString = '';
  #bytes = 0;

  /** @param whiteouts undefined for an archive that is no layer: names beginning with `.wh.` are names like others. */
  constructor(
    tree: DirectoryTree,
    whiteouts: Whiteouts | undefined,
    limits: LayerLimits,
    habits: WritingHabits = { keepKinds: false, owner: undefined },
  ) {
    this.#habits = habits;
    this.#tree = tree;
    this.#whiteouts = whiteouts;
    this.#limits = limits;
  }

  /** An implied directory has got times of its own, from a lower layer. */
  keepTimes(path: ByteString, times: DirectoryTimes): void {
    this.#directoryTimes.set(path, times);
  }

  entry(original: TarEntry): void {
    this.#name = original.name;
    this.#count(original);
    this.#during(() => {
      const entry = { ...original, ...this.#habits.owner?.(original) };
      const path = entryPathOf(entry.name);
      const whiteouts = this.#whiteouts;
      const whiteout = whiteouts && whiteoutOf(path);
      if (!whiteout) this.#make(entry, path);
      else if (whiteout.kind === 'opaque') whiteouts.opaque(this.#tree, path.parent);
      else if (whiteout.kind === 'remove') {
        whiteouts.remove(this.#tree, { parent: path.parent, base: whiteout.name });
      }
    });
  }

  content(bytes: Buffer): void {
    const file = this.#file;
    if (!file) return; // of a whiteout, which has no meaning
    this.#during(() => {
      if (file.entry.sparse) writeSegments(file, bytes);
      else writeAll(file.fd, bytes);
    });
  }

  end(): void {
    const file = this.#file;
    if (!file) return;
    this.#during(() => {
      if (file.entry.sparse) ftruncate(file.fd, file.entry.sparse.fileSizeBytes);
      applyToDescriptor(file.fd, file.entry, this.#skipped);
    });
    this.#closeFile();
  }

  /** Everything was read: directories get their times. */
  finish(): void {
    for (const [path, { access, modification }] of this.#directoryTimes) {
      const fd = this.#tree.reopen(path);
      if (fd === undefined) continue; // replaced or removed by a later entry
      try {
        futimens(fd, access, modification);
      } finally {
        close(fd);
      }
    }
  }

  /** Releases what a failure in the middle of a file leaves open. */
  close(): void {
    this.#closeFile();
  }

  #make(entry: TarEntry, path: EntryPath): void {
    if (path.base === '') {
      this.#makeRoot(entry);
      return;
    }
    const parentFd = this.#tree.directory(path.parent);
    this.#whiteouts?.made(this.#tree, path);
    if (entry.type === 'directory') this.#makeDirectory(parentFd, entry, path);
    else {
      this.#replacing(parentFd, path, (fd) => this.#makeNew(fd, entry, path));
    }
  }

  #makeRoot(entry: TarEntry): void {
    if (entry.type !== 'directory') {
      throw new StackError('invalid_argument', `the root is replaced by a ${entry.type}`);
    }
    applyToDescriptor(this.#tree.rootFd, entry, this.#skipped);
    this.#directoryTimes.set('', timesOf(entry));
  }

  #makeDirectory(parentFd: number, entry: TarEntry, path: EntryPath): void {
    const { parent, base } = path;
    const name = rawPath(base);
    const existing = this.#mkdir(parentFd, base);
    let directoryFd = parentFd;
    if (existing === 'other') {
      if (this.#habits.keepKinds) throw otherKind('non-directory', path, 'directory');
      directoryFd = this.#cleared(parentFd, path);
      mkdirat(directoryFd, name, 0o700);
    }
    const fd = openat(directoryFd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      if (existing === 'other') this.#whiteouts?.directoryReplaced(fd);
      applyToDescriptor(fd, entry, this.#skipped);
    } finally {
      close(fd);
    }
    this.#directoryTimes.set(parent === '' ? base : `${parent}/${base}`, timesOf(entry));
  }

  #mkdir(parentFd: number, base: ByteString): 'new' | 'directory' | 'other' {
    try {
      mkdirat(parentFd, rawPath(base), 0o700);
      return 'new';
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
      return isDirectory(lstatat(parentFd, rawPath(base))) ? 'directory' : 'other';
    }
  }

  #makeNew(parentFd: number, entry: TarEntry, { base }: EntryPath): void {
    const name = rawPath(base);
    switch (entry.type) {
      case 'file': {
        const fd = openat(parentFd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
        const segments = entry.sparse?.segments ?? [];
        this.#file = { fd, entry, segments, segment: 0, filled: 0 };
        return;
      }
      case 'link':
        this.#makeLink(entry, base, parentFd);
        applyToLink(parentFd, base, entry, this.#skipped);
        return;
      case 'symlink':
        symlinkat(rawPath(entry.linkName), parentFd, name);
        break;
      case 'character':
      case 'block':
      case 'fifo':
        mknodat(parentFd, name, nodeType[entry.type] | 0o600, entry.device);
        break;
      case 'directory':
        return; // has its own way
    }
    applyToName(parentFd, base, entry, this.#skipped);
  }

  /** Names in a hard link count from the root, whatever links lie on the way to them. */
  #makeLink(entry: TarEntry, base: ByteString, parentFd: number): void {
    const target = entryPathOf(entry.linkName);
    if (target.base === '')
      throw new StackError('invalid_argument', 'it is a hard link to the root');
    const targetFd = this.#tree.existing(target.parent);
    if (targetFd === undefined || !statusOf(targetFd, target.base)) {
      throw new StackError(
        'invalid_argument',
        `it is a hard link to "${shownName(entry.linkName)}", which does not exist`,
      );
    }
    linkat(targetFd, rawPath(target.base), parentFd, rawPath(base));
  }

  /** Makes what is not there yet; what an earlier entry or layer has put there goes first. */
  #replacing(parentFd: number, path: EntryPath, make: (parentFd: number) => void): void {
    try {
      make(parentFd);
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
      make(this.#cleared(parentFd, path));
    }
  }

  /** Removes what is at `path`. Returns its parent anew, because the tree has to forget the one it had open. */
  #cleared(parentFd: number, { parent, base }: EntryPath): number {
    const existing = this.#habits.keepKinds ? statusOf(parentFd, base) : undefined;
    if (existing && isDirectory(existing)) {
      throw otherKind('directory', { parent, base }, 'non-directory');
    }
    removeTree(parentFd, base);
    this.#tree.forget();
    return this.#tree.directory(parent);
  }

  #count(entry: TarEntry): void {
    this.entries++;
    this.#bytes += entry.sizeBytes;
    const { maxEntries, maxBytes } = this.#limits;
    if (this.entries > maxEntries) throw tooMuch(`more than ${maxEntries} entries`);
    if (this.#bytes > maxBytes) throw tooMuch(`more than ${maxBytes} bytes of files`);
  }

  /** Says which entry it was when something fails. */
  #during(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!isStackError(error)) throw error;
      const message = `cannot unpack "${shownName(this.#name)}": ${error.message}`;
      throw new StackError(error.kind, message, { cause: error });
    }
  }

  readonly #skipped = (xattr: string, reason: string): void => {
    if (this.warnings.length >= mostWarnings) return;
    this.warnings.push(`"${shownName(this.#name)}": attribute "${xattr}" is left out: ${reason}`);
  };

  #closeFile(): void {
    if (!this.#file) return;
    close(this.#file.fd);
    this.#file = undefined;
  }
}

function otherKind(existing: string, { parent, base }: EntryPath, wanted: string): StackError {
  const path = shownName(parent === '' ? base : `${parent}/${base}`);
  return new StackError(
    'invalid_argument',
    `cannot overwrite ${existing} "${path}" with ${wanted}`,
  );
}

function timesOf(entry: TarEntry): DirectoryTimes {
  return { access: accessTimeOf(entry), modification: modificationTimeOf(entry) };
}

function tooMuch(what: string): StackError {
  return new StackError('resource_exhausted', `layer has ${what}`);
}
