/** Stores the archive of a root file system as an image's layer. */
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import zlib from 'node:zlib';
import type { ArchiveStore } from '#lib/image-archive/archive-store';
import { decompress, detectCompression } from '#lib/unpack/decompress';
import { expandByProgram } from '#lib/unpack/expand-archive';
import { peek } from '#lib/unpack/peek';
import { Digester, type Digest } from '#spec/digest';
import { mediaTypes, type Descriptor } from '#spec/oci/image';

/** Stores the archive as a layer: as it comes if gzip or zstd has compressed it, else by gzip. */
export async function storeLayer(
  store: ArchiveStore,
  archive: AsyncIterable<Buffer>,
): Promise<{ layer: Descriptor; diffId: Digest }> {
  const { start, rest: all } = await peek(expandByProgram(archive), 4);
  const compression = detectCompression(start);
  const digester = new Digester();
  const writer = await store.openUnnamed('layer');
  try {
    if (compression === 'none') {
      for await (const bytes of gzipped(hashed(all, digester))) await writer.append(bytes);
    } else {
      const copy = new PassThrough({ highWaterMark: 1 << 20 });
      const hashing = hash(decompress(copy), digester);
      hashing.catch(() => copy.destroy()); // said below
      for await (const bytes of copied(all, copy, hashing)) await writer.append(bytes);
      await hashing;
    }
    const { digest, size } = await writer.commit();
    const mediaType = compression === 'zstd' ? mediaTypes.ociLayerZstd : mediaTypes.ociLayerGzip;
    return { layer: { mediaType, digest, size }, diffId: digester.digest() };
  } finally {
    await writer.close();
  }
}

async function* hashed(source: AsyncIterable<Buffer>, digester: Digester): AsyncGenerator<Buffer> {
  for await (const bytes of source) {
    digester.update(bytes);
    yield bytes;
  }
}

async function hash(source: AsyncIterable<Buffer>, digester: Digester): Promise<void> {
  for await (const bytes of source) digester.update(bytes);
}

async function* copied(
  source: AsyncIterable<Buffer>,
  copy: PassThrough,
  reading: Promise<void>,
): AsyncGenerator<Buffer> {
  for await (const bytes of source) {
    if (!copy.destroyed && !copy.write(bytes)) await Promise.race([once(copy, 'drain'), reading]);
    yield bytes;
  }
  if (!copy.destroyed) copy.end();
}

async function* gzipped(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const input = Readable.from(source, { objectMode: false });
  const output = zlib.createGzip({ chunkSize: 256 << 10 });
  input.on('error', (error) => output.destroy(error));
  try {
    yield* input.pipe(output) as AsyncIterable<Buffer>; // zlib streams yield buffers
  } finally {
    input.destroy();
    output.destroy();
  }
}
