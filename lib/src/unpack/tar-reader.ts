/**
 * Reads a tar archive that is pushed into it in pieces of any size: ustar, GNU (long names, sparse files), star and pax.
 * node-tar's parser is not used because it loses extended attributes, sparse maps, sub-second times and name bytes.
 */
import {
  LeadingSparseMap,
  hasLeadingSparseMap,
  parseGnuSparseExtension,
  parseGnuSparseHeader,
  sparseMapOf,
  verifySparseMap,
} from './sparse.ts';
import { applyPaxRecords } from './pax-entry.ts';
import { parsePaxRecords, paxNumber, type PaxRecord } from './pax.ts';
import { blockSize, isZeroBlock, malformed, parseHeader, type TarHeader } from './tar-header.ts';
import type { ByteString, SparseSegment, TarEntry, TarEntryType } from './tar-entry.ts';

/** Receives what {@link TarReader} finds, in the archive's order. */
export interface TarSink {
  /** A new entry; its content follows. */
  entry(entry: TarEntry): void;
  /** The next bytes of the entry's content; valid during the call only. */
  content(bytes: Buffer): void;
  /** The entry's content is complete. */
  end(): void;
}

/** Content of a long name or pax header beyond this is an attack (Go's reader has the same limit). */
const largestExtension = 1 << 20;

const typeByFlag: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file', // "contiguous", which no system distinguishes
  S: 'file', // GNU sparse
};

type State =
  'header' | 'extension' | 'sparse extension' | 'sparse map' | 'content' | 'padding' | 'done';

/** What extended headers have said about the entry that comes next. */
interface Pending {
  longName?: ByteString;
  longLink?: ByteString;
  records: PaxRecord[];
}

export class TarReader {
  readonly #sink: TarSink;
  #state: State = 'header';
  /** An incomplete block, kept until the next piece arrives. */
  readonly #partial = Buffer.alloc(blockSize);
  #partialBytes = 0;
  /** Bytes that the present state still has to see. */
  #remaining = 0;
  #paddingBytes = 0;
  #extension: { flag: string; content: Buffer; filled: number } | undefined;
  #pending: Pending = { records: [] };
  #entry: TarEntry | undefined;
  #segments: SparseSegment[] = [];
  #leadingMap = new LeadingSparseMap();

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** Reads the next piece of the archive. Throws `invalid_argument` for what is no tar archive. */
  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && this.#state !== 'done';) {
      const left = bytes.length - at;
      if (this.#remaining > 0) {
        const take = Math.min(left, this.#remaining);
        this.#consume(bytes.subarray(at, at + take));
        at += take;
      } else if (this.#partialBytes === 0 && left >= blockSize) {
        this.#block(bytes.subarray(at, at + blockSize));
        at += blockSize;
      } else {
        const take = Math.min(left, blockSize - this.#partialBytes);
        bytes.copy(this.#partial, this.#partialBytes, at, at + take);
        this.#partialBytes += take;
        at += take;
        if (this.#partialBytes === blockSize) {
          this.#partialBytes = 0;
          this.#block(Buffer.from(this.#partial));
        }
      }
    }
  }

  /** The archive is over. Throws `invalid_argument` if it stops in the middle of something. */
  end(): void {
    const between = this.#state === 'header' && this.#partialBytes === 0;
    if (this.#state === 'done' || (between && this.#pending.records.length === 0)) return;
    throw malformed('it ends too early');
  }

  /** A whole block, in a state that reads blocks. */
  #block(block: Buffer): void {
    switch (this.#state) {
      case 'sparse extension': {
        const { segments, extended } = parseGnuSparseExtension(block);
        this.#segments.push(...segments);
        if (!extended) this.#start();
        return;
      }
      case 'sparse map': {
        const entry = this.#current();
        entry.sizeBytes -= blockSize;
        if (entry.sizeBytes < 0) throw malformed('sparse map is longer than its file');
        const segments = this.#leadingMap.push(block);
        if (!segments) return;
        this.#segments = segments;
        this.#start();
        return;
      }
      default:
        // A single zero block already ends the archive for us; what follows it has no meaning to any reader.
        if (isZeroBlock(block)) this.#state = 'done';
        else this.#header(parseHeader(block), block);
    }
  }

  #header(header: TarHeader, block: Buffer): void {
    const { flag, sizeBytes } = header;
    if (flag === 'x' || flag === 'L' || flag === 'K' || flag === 'g') {
      if (sizeBytes > largestExtension) throw malformed('extended header is too large');
      this.#extension = { flag, content: Buffer.alloc(sizeBytes), filled: 0 };
      this.#expect('extension', sizeBytes);
      return;
    }
    const type = typeByFlag[flag];
    if (type === undefined) throw malformed(`entry has the unknown type "${flag}"`);
    const { longName, longLink, records } = this.#pending;
    this.#pending = { records: [] };
    const entry = applyPaxRecords(
      {
        type,
        name: longName ?? header.name,
        linkName: longLink ?? header.linkName,
        mode: header.mode,
        uid: header.uid,
        gid: header.gid,
        sizeBytes,
        modificationTime: header.modificationTime,
        device: { major: header.deviceMajor, minor: header.deviceMinor },
        xattrs: new Map(),
      },
      records,
    );
    // V7 had no type for directories; and only files have content, whatever a header claims.
    if (entry.type === 'file' && entry.name.endsWith('/')) entry.type = 'directory';
    if (entry.type !== 'file') entry.sizeBytes = 0;
    this.#entry = entry;
    this.#segments = [];
    if (entry.type === 'file' && flag === 'S') this.#startGnuSparse(entry, block);
    else if (entry.type === 'file' && hasLeadingSparseMap(records))
      this.#startLeadingMap(entry, records);
    else {
      const sparse = entry.type === 'file' ? sparseMapOf(records) : undefined;
      if (sparse) {
        this.#entry = { ...entry, sparse };
        this.#segments.push(...sparse.segments);
      }
      this.#start();
    }
  }

  #startGnuSparse(entry: TarEntry, block: Buffer): void {
    const { segments, fileSizeBytes, extended } = parseGnuSparseHeader(block);
    this.#entry = { ...entry, sparse: { segments: this.#segments, fileSizeBytes } };
    this.#segments.push(...segments);
    if (extended) this.#state = 'sparse extension';
    else this.#start();
  }

  #startLeadingMap(entry: TarEntry, records: readonly PaxRecord[]): void {
    const realSize = records.findLast(({ key }) => key === 'GNU.sparse.realsize');
    const fileSizeBytes = realSize ? paxNumber(realSize) : 0;
    this.#entry = { ...entry, sparse: { segments: [], fileSizeBytes } };
    this.#leadingMap = new LeadingSparseMap();
    this.#state = 'sparse map';
  }

  /** Everything about the entry is known: hands it on and waits for its content. */
  #start(): void {
    const entry = this.#current();
    if (entry.sparse) {
      entry.sparse = { ...entry.sparse, segments: this.#segments };
      verifySparseMap(entry.sparse, entry.sizeBytes);
    }
    this.#sink.entry(entry);
    this.#expect('content', entry.sizeBytes);
  }

  /** Waits for `size` bytes and the zeros that fill up their last block. */
  #expect(state: 'extension' | 'content', size: number): void {
    this.#state = state;
    this.#remaining = size;
    this.#paddingBytes = (blockSize - (size % blockSize)) % blockSize;
    if (size === 0) this.#complete();
  }

  #consume(bytes: Buffer): void {
    this.#remaining -= bytes.length;
    if (this.#state === 'content') this.#sink.content(bytes);
    else if (this.#state === 'extension' && this.#extension) {
      bytes.copy(this.#extension.content, this.#extension.filled);
      this.#extension.filled += bytes.length;
    }
    if (this.#remaining === 0) this.#complete();
  }

  #complete(): void {
    if (this.#state === 'content') this.#sink.end();
    else if (this.#state === 'extension') this.#endExtension();
    const padding = this.#state === 'padding' ? 0 : this.#paddingBytes;
    this.#remaining = padding;
    this.#state = padding > 0 ? 'padding' : 'header';
  }

  #endExtension(): void {
    if (!this.#extension) return;
    const { flag, content } = this.#extension;
    if (flag === 'x') this.#pending.records.push(...parsePaxRecords(content));
    else if (flag === 'L') this.#pending.longName = untilZero(content);
    else if (flag === 'K') this.#pending.longLink = untilZero(content);
    // 'g' sets defaults for all entries that follow. containerd does not apply it, so layers must not mean anything by it.
    this.#extension = undefined;
  }

  #current(): TarEntry {
    if (!this.#entry) throw new Error('no entry has begun');
    return this.#entry;
  }
}

function untilZero(content: Buffer): ByteString {
  const zero = content.indexOf(0);
  return content.toString('latin1', 0, zero < 0 ? content.length : zero);
}
