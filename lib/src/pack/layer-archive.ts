/** Turns changes between two trees into the entries of a layer (OCI image specification, "Filesystem Layers"). */
import type { EntryOwner } from '#lib/unpack/layer-writer';
import {
  close,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  type Timespec,
} from '#lib/sys/file';
import {
  shownName,
  type ByteString,
  type TarEntry,
  type TarEntryType,
} from '#lib/unpack/tar-entry';
import type { Change } from './change.ts';
import { encodeSparseMap, readSegment, sparseMapOf } from './file-content.ts';
import { layerXattrs } from './layer-xattrs.ts';
import { endOfArchive, headerOf, paddingAfter } from './tar-writer.ts';
import type { TreeNode } from './tree-node.ts';

const whiteoutPrefix = '.wh.';
const opaqueName = '.wh..wh..opq';
const epoch: Timespec = { seconds: 0, nanoseconds: 0 };

const typeByFormat: Readonly<Record<number, TarEntryType>> = {
  [S_IFREG]: 'file',
  [S_IFDIR]: 'directory',
  [S_IFLNK]: 'symlink',
  [S_IFCHR]: 'character',
  [S_IFBLK]: 'block',
  [S_IFIFO]: 'fifo',
};

/** How many things that were left out are reported. */
const mostWarnings = 20;

export interface LayerArchiveOptions {
  /** No entry is younger: `SOURCE_DATE_EPOCH` of reproducible builds. Whiteouts have this time, else 1970. */
  latestTime?: Timespec;
  /** To whom the archive gives what belongs to somebody in the tree. */
  owner?: (found: EntryOwner) => EntryOwner;
}

export class LayerArchive {
  /** What an archive cannot hold, as sentences. */
  readonly warnings: string[] = [];
  readonly #latestTime: Timespec | undefined;
  readonly #owner: LayerArchiveOptions['owner'];
  /** Directories that have an entry. */
  readonly #directories = new Set<ByteString>();
  /** First name in the archive of every file with several names, by its inode. */
  readonly #firstNames = new Map<string, ByteString>();
  /** Names that did not change, of files that may yet turn out to have. */
  readonly #unchangedNames = new Map<string, ByteString[]>();

  constructor({ latestTime, owner }: LayerArchiveOptions = {}) {
    this.#owner = owner;
    this.#latestTime = latestTime;
  }

  /** The bytes that stand for a change, entries of directories above it included. */
  *add(change: Change): Generator<Buffer> {
    switch (change.kind) {
      case 'present':
        yield* this.#present(change.node);
        return;
      case 'unchanged link':
        yield* this.#unchangedLink(change.node);
        return;
      case 'removed':
        yield* this.#whiteout(change.parent, `${whiteoutPrefix}${change.name}`);
        return;
      case 'opaque':
        yield* this.#whiteout(change.node, opaqueName);
    }
  }

  /** The blocks that end the archive. */
  end(): Buffer {
    return endOfArchive;
  }

  *#present(node: TreeNode): Generator<Buffer> {
    const entry = this.#entryOf(node);
    if (!entry) return;
    yield* this.#parents(node.parent);
    if (node.isDirectory) {
      if (this.#directories.has(node.path)) return;
      this.#directories.add(node.path);
      yield headerOf(entry);
      return;
    }
    const inode = node.status.links > 1 ? inodeOf(node) : undefined;
    const first = inode === undefined ? undefined : this.#firstNames.get(inode);
    if (first !== undefined) {
      yield linkTo(first, entry);
      return;
    }
    if (entry.type === 'file') yield* this.#file(node, entry);
    else yield headerOf(entry);
    if (inode === undefined) return;
    this.#firstNames.set(inode, entry.name);
    // A layer must not refer to files of lower ones, so all names of the file are made anew.
    for (const name of this.#unchangedNames.get(inode) ?? []) {
      yield linkTo(entry.name, { ...entry, name });
    }
    this.#unchangedNames.delete(inode);
  }

  *#unchangedLink(node: TreeNode): Generator<Buffer> {
    const inode = inodeOf(node);
    if (this.#firstNames.has(inode)) {
      yield* this.#present(node);
      return;
    }
    const names = this.#unchangedNames.get(inode) ?? [];
    this.#unchangedNames.set(inode, [...names, node.path]);
  }

  *#file(node: TreeNode, entry: TarEntry): Generator<Buffer> {
    if (entry.sizeBytes === 0) {
      yield headerOf(entry);
      return;
    }
    const fd = node.openContent();
    try {
      const sparse = sparseMapOf(fd, node.status);
      if (!sparse) {
        yield headerOf(entry);
        yield* readSegment(fd, { offset: 0, length: entry.sizeBytes });
        yield paddingAfter(entry.sizeBytes);
        return;
      }
      const map = encodeSparseMap(sparse);
      const dataBytes = sparse.segments.reduce((total, { length }) => total + length, 0);
      const records = new Map<string, string | Buffer>([
        ['GNU.sparse.major', '1'],
        ['GNU.sparse.minor', '0'],
        ['GNU.sparse.name', Buffer.from(entry.name, 'latin1')],
        ['GNU.sparse.realsize', String(sparse.fileSizeBytes)],
      ]);
      const sizeBytes = map.length + dataBytes;
      yield headerOf({ ...entry, name: sparseName(entry.name), sizeBytes }, records);
      yield map;
      for (const segment of sparse.segments) yield* readSegment(fd, segment);
      yield paddingAfter(sizeBytes);
    } finally {
      close(fd);
    }
  }

  *#whiteout(directory: TreeNode, name: ByteString): Generator<Buffer> {
    yield* this.#parents(directory);
    yield headerOf({
      type: 'file',
      name: directory.path === '' ? name : `${directory.path}/${name}`,
      linkName: '',
      mode: 0,
      uid: 0,
      gid: 0,
      sizeBytes: 0,
      modificationTime: this.#latestTime ?? epoch,
      device: { major: 0, minor: 0 },
      xattrs: new Map(),
    });
  }

  /** Entries for the directories above something: where they are missing, unpacking would invent owner, mode and time. */
  *#parents(directory: TreeNode | undefined): Generator<Buffer> {
    if (!directory || directory.path === '' || this.#directories.has(directory.path)) return;
    yield* this.#present(directory);
  }

  /** Undefined, with a warning, for what no layer can hold. */
  #entryOf(node: TreeNode): TarEntry | undefined {
    const { mode, sizeBytes, modificationTime, rdev } = node.status;
    const { uid, gid } = this.#owner?.(node.status) ?? node.status;
    const type = typeByFormat[mode & S_IFMT];
    if (type === undefined) {
      this.#leaveOut(node, 'a socket');
      return undefined;
    }
    const base = node.path.slice(node.path.lastIndexOf('/') + 1);
    if (base.startsWith(whiteoutPrefix)) {
      this.#leaveOut(node, 'its name would remove another file');
      return undefined;
    }
    const isDevice = type === 'character' || type === 'block';
    return {
      type,
      name: type === 'directory' ? `${node.path === '' ? '.' : node.path}/` : node.path,
      linkName: type === 'symlink' ? node.linkTarget() : '',
      mode: mode & 0o7777,
      uid,
      gid,
      sizeBytes: type === 'file' ? sizeBytes : 0,
      modificationTime: this.#bounded(modificationTime),
      device: isDevice ? rdev : { major: 0, minor: 0 },
      xattrs: this.#owner
        ? withOwnCapabilities(layerXattrs(node.xattrs()), this.#owner)
        : layerXattrs(node.xattrs()),
    };
  }

  #bounded(time: Timespec): Timespec {
    const latest = this.#latestTime;
    if (!latest) return time;
    const isLater =
      time.seconds > latest.seconds ||
      (time.seconds === latest.seconds && time.nanoseconds > latest.nanoseconds);
    return isLater ? latest : time;
  }

  #leaveOut(node: TreeNode, reason: string): void {
    if (this.warnings.length < mostWarnings) {
      this.warnings.push(`"${shownName(node.path)}" is left out: ${reason}`);
    }
  }
}

function inodeOf({ status: { dev, inode } }: TreeNode): string {
  return `${dev.major}:${dev.minor}:${inode}`;
}

/** With all attributes: containerd and docker give the file those of every link to it, and a new owner clears capabilities. */
function linkTo(linkName: ByteString, entry: TarEntry): Buffer {
  return headerOf({ ...entry, type: 'link', linkName, sizeBytes: 0 });
}

/** The name that readers without sparse files see, as GNU tar makes it up. */
function sparseName(name: ByteString): ByteString {
  const slash = name.lastIndexOf('/') + 1;
  return `${name.slice(0, slash)}GNUSparseFile.0/${name.slice(slash)}`;
}

const capabilityName = 'security.capability';
/** Bits of the first word of vfs_ns_cap_data that say which revision it is. */
const revisionMask = 0xff000000;
const revision2 = 0x02000000;
const revision3 = 0x03000000;

/** Capabilities that hold for one user namespace's root become those of any root, when that is who the archive says. */
function withOwnCapabilities(
  xattrs: ReadonlyMap<string, Buffer>,
  owner: (found: EntryOwner) => EntryOwner,
): ReadonlyMap<string, Buffer> {
  const value = xattrs.get(capabilityName);
  if (value?.length !== 24) return xattrs;
  const magic = value.readUInt32LE(0);
  const root = value.readUInt32LE(20);
  const isOwn = owner({ uid: root, gid: root }).uid === 0;
  if ((magic & revisionMask) >>> 0 !== revision3 || !isOwn) return xattrs;
  const plain = Buffer.from(value.subarray(0, 20));
  plain.writeUInt32LE(((magic & ~revisionMask) | revision2) >>> 0, 0);
  return new Map(xattrs).set(capabilityName, plain);
}
