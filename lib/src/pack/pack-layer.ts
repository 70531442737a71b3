/** Packs what is different between two trees into a layer, compressed or not, and names it by its digests. */
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import type { Timespec } from '#lib/sys/file';
import type { Compression } from '#lib/unpack/decompress';
import { Digester, type Digest } from '#spec/digest';
import type { Change } from './change.ts';
import { compareTrees } from './compare-trees.ts';
import { LayerArchive } from './layer-archive.ts';
import { TreeNode, using } from './tree-node.ts';
import { upperChanges } from './upper-changes.ts';

/** What is packed; paths of directories. */
export type LayerSource =
  /** What an overlay's upper directory changes in the overlay whose uppermost directory is `lower`. */
  | { kind: 'upper'; upper: string; lower: string }
  /** The difference of two trees; without `before` all of `after`. */
  | { kind: 'trees'; before?: string; after: string };

export interface PackOptions {
  compression: Compression;
  /** No entry is younger than this. */
  latestTime?: Timespec;
  /** Takes the layer's bytes, in order. */
  write: (bytes: Buffer) => void;
}

export interface PackedLayer {
  /** Of what was written. */
  digest: Digest;
  sizeBytes: number;
  /** Of the archive without its compression. */
  diffId: Digest;
  /** What was left out, as sentences. */
  warnings: string[];
}

/** Bytes of the archive handed on at once: headers are half a kilobyte each. */
const chunkBytes = 256 * 1024;

/**
 * Packs a layer. The same trees give the same bytes. Reads synchronously and so belongs into a worker thread;
 * compression runs beside it. Throws {@link NotSelfContained} for an upper directory that cannot be packed alone.
 */
export async function packLayer(
  source: LayerSource,
  { compression, latestTime, write }: PackOptions,
): Promise<PackedLayer> {
  const archive = new LayerArchive(latestTime && { latestTime });
  const [uncompressed, compressed] = [new Digester(), new Digester()];
  const content = hashed(inChunks(archiveOf(archive, changesOf(source))), uncompressed);
  let sizeBytes = 0;
  for await (const bytes of compress(content, compression)) {
    compressed.update(bytes);
    sizeBytes += bytes.length;
    write(bytes);
  }
  return {
    digest: compressed.digest(),
    sizeBytes,
    diffId: uncompressed.digest(),
    warnings: archive.warnings,
  };
}

function* changesOf(source: LayerSource): Generator<Change> {
  if (source.kind === 'upper') {
    const { upper, lower } = source;
    yield* using(TreeNode.root(upper), (upperRoot) =>
      using(TreeNode.root(lower), (lowerRoot) => upperChanges(upperRoot, lowerRoot)),
    );
    return;
  }
  const { before, after } = source;
  yield* using(TreeNode.root(after), (afterRoot) =>
    before === undefined
      ? compareTrees(undefined, afterRoot)
      : using(TreeNode.root(before), (beforeRoot) => compareTrees(beforeRoot, afterRoot)),
  );
}

function* archiveOf(archive: LayerArchive, changes: Iterable<Change>): Generator<Buffer> {
  for (const change of changes) yield* archive.add(change);
  yield archive.end();
}

/** Small pieces together, large ones as they are. */
function* inChunks(pieces: Iterable<Buffer>): Generator<Buffer> {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  for (const piece of pieces) {
    waiting.push(piece);
    waitingBytes += piece.length;
    if (waitingBytes < chunkBytes) continue;
    yield waiting.length === 1 ? piece : Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
  }
  if (waitingBytes > 0) yield Buffer.concat(waiting);
}

function* hashed(pieces: Iterable<Buffer>, digester: Digester): Generator<Buffer> {
  for (const piece of pieces) {
    digester.update(piece);
    yield piece;
  }
}

async function* compress(content: Iterable<Buffer>, kind: Compression): AsyncGenerator<Buffer> {
  if (kind === 'none') {
    yield* content;
    return;
  }
  const input = Readable.from(content, { objectMode: false });
  const compressor = kind === 'gzip' ? zlib.createGzip() : zlib.createZstdCompress();
  input.on('error', (error) => compressor.destroy(error));
  input.pipe(compressor);
  try {
    yield* compressor as AsyncIterable<Buffer>; // a zlib stream yields buffers
  } finally {
    input.destroy();
    compressor.destroy();
  }
}
