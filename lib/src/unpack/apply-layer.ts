/** Applies a layer, a changeset in a tar archive, to a directory (OCI image specification, "Applying Changesets"). */
import {
  close,
  fchown,
  lstatat,
  openat2,
  O_PATH,
  O_NOFOLLOW,
  O_DIRECTORY,
  AT_FDCWD,
  openat,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from '#lib/sys/file';
import { Digester, type Digest } from '#spec/digest';
import { StackError } from '#spec/errors';
import { decompress } from './decompress.ts';
import { DirectoryTree, isCode, rawPath } from './directory-tree.ts';
import { LayerWriter, type EntryOwner } from './layer-writer.ts';
import { defaultLimits, largestArchive, type LayerLimits } from './limits.ts';
import { copyDirectoryMetadata } from './metadata.ts';
import { isDirectory } from './remove-tree.ts';
import { TarReader } from './tar-reader.ts';
import type { ByteString } from './tar-entry.ts';
import { DeletingWhiteouts, OverlayWhiteouts, type Whiteouts } from './whiteouts.ts';

export interface ApplyOptions {
  /**
   * `overlay`: `root` is the upper directory of an overlay; whiteouts are written in overlayfs's form.
   * `delete`: `root` is a tree that holds the lower layers; what a whiteout hides is deleted.
   * `none`: the archive is no layer.
   */
  whiteouts: 'overlay' | 'delete' | 'none';
  /**
   * With `overlay`: the lower directories, topmost first. Directories that the layer does not name but puts something into
   * get owner, mode and attributes from there.
   */
  lowerDirectories?: readonly string[];
  limits?: Partial<LayerLimits>;
  /** Refuse to put a directory where something else is, and the other way round. */
  keepKinds?: boolean;
  /** Who gets what the archive gives to somebody; directories that it implies only are root's. */
  owner?: (said: EntryOwner) => EntryOwner;
  signal?: AbortSignal;
}

export interface AppliedLayer {
  /** Digest of the archive without its compression. */
  diffId: Digest;
  /** Size of the archive without its compression. */
  sizeBytes: number;
  entries: number;
  /** Extended attributes that were left out, as sentences. */
  warnings: string[];
}

/**
 * Applies a layer, compressed or not, to the directory `root`, which exists. Works synchronously on each piece of the
 * archive and so belongs into a worker thread; decompression runs beside it.
 *
 * Throws `invalid_argument` for a damaged archive and `resource_exhausted` for one beyond the limits or the disk; what
 * was unpacked until then stays, for the caller to remove.
 */
export async function applyLayer(
  source: AsyncIterable<Uint8Array>,
  root: string,
  options: ApplyOptions,
): Promise<AppliedLayer> {
  const digester = new Digester();
  let sizeBytes = 0;
  const applier = new LayerApplier(root, options);
  const largest = largestArchive({ ...defaultLimits, ...options.limits });
  try {
    for await (const bytes of decompress(source)) {
      options.signal?.throwIfAborted();
      digester.update(bytes);
      sizeBytes += bytes.length;
      if (sizeBytes > largest) {
        throw new StackError('resource_exhausted', `layer unpacks to more than ${largest} bytes`);
      }
      applier.write(bytes);
    }
    const { entries, warnings } = applier.end();
    return { diffId: digester.digest(), sizeBytes, entries, warnings };
  } finally {
    applier.close();
  }
}

/** The synchronous core of {@link applyLayer}: takes an archive without compression in pieces of any size. */
export class LayerApplier {
  readonly #tree: DirectoryTree;
  readonly #writer: LayerWriter;
  readonly #reader: TarReader;
  readonly #owner: ApplyOptions['owner'];

  constructor(root: string, options: ApplyOptions) {
    const { whiteouts, lowerDirectories = [], limits = {}, keepKinds = false, owner } = options;
    this.#owner = owner;
    this.#tree = new DirectoryTree(root, (fd, path) => this.#inherit(fd, path, lowerDirectories));
    this.#writer = new LayerWriter(
      this.#tree,
      whiteoutsOf(whiteouts),
      { ...defaultLimits, ...limits },
      { keepKinds, owner },
    );
    this.#reader = new TarReader(this.#writer);
  }

  write(bytes: Buffer): void {
    this.#reader.write(bytes);
  }

  /** The archive is complete. */
  end(): { entries: number; warnings: string[] } {
    this.#reader.end();
    this.#writer.finish();
    return { entries: this.#writer.entries, warnings: this.#writer.warnings };
  }

  /** Releases descriptors; to be called in any case. */
  close(): void {
    this.#writer.close();
    this.#tree.close();
  }

  /** A directory that only lower layers name becomes what it is there: the upper one would hide its owner and mode. */
  #inherit(fd: number, path: ByteString, lowerDirectories: readonly string[]): void {
    if (this.#owner) {
      const { uid, gid } = this.#owner({ uid: 0, gid: 0 });
      fchown(fd, uid, gid);
    }
    for (const lower of lowerDirectories) {
      const lowerFd = openBelow(lower, path);
      if (lowerFd === undefined) continue;
      try {
        const status = lstatat(lowerFd, '');
        if (!isDirectory(status)) return; // hidden or replaced: nothing to inherit from further below
        this.#writer.keepTimes(path, copyDirectoryMetadata(fd, lowerFd, status));
        return;
      } finally {
        close(lowerFd);
      }
    }
  }
}

function whiteoutsOf(kind: ApplyOptions['whiteouts']): Whiteouts | undefined {
  if (kind === 'none') return undefined;
  return kind === 'overlay' ? new OverlayWhiteouts() : new DeletingWhiteouts();
}

/** The thing at `path` in a lower directory, a link itself; undefined if there is none. */
function openBelow(directory: string, path: ByteString): number | undefined {
  const rootFd = openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY);
  try {
    const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return openat2(rootFd, rawPath(path), { flags: O_PATH | O_NOFOLLOW, resolve });
  } catch (error) {
    if (isCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  } finally {
    close(rootFd);
  }
}
