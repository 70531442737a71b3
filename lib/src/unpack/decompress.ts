/** Layers are tar archives, bare or compressed; what they are is told by their first bytes, not by their media type. */
import { Readable, type Transform, type TransformOptions } from 'node:stream';
import zlib from 'node:zlib';
import { StackError } from '#spec/errors';
import { peek } from './peek.ts';

export type Compression = 'none' | 'gzip' | 'zstd';

/** Output per step. Large, because each step is a round trip to the thread that decompresses. */
const chunkSize = 1 << 20;
/** Steps that may be ahead of whoever reads, so that decompression goes on while files are written. */
const readableHighWaterMark = 4 * chunkSize;
/** zstd frames may ask for any window; beyond this (128 MiB, zstd's own default) they are refused. */
const largestWindowLog = 27;

/** The compression that content beginning with `start` has. */
export function detectCompression(start: Uint8Array): Compression {
  const startsWith = (...magic: number[]) => magic.every((byte, i) => start[i] === byte);
  if (startsWith(0x1f, 0x8b)) return 'gzip';
  if (startsWith(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  const isSkippable = ((start[0] ?? 0) & 0xf0) === 0x50 && start[1] === 0x2a && start[2] === 0x4d;
  return isSkippable && start[3] === 0x18 ? 'zstd' : 'none';
}

/** `source` without its compression. Throws `invalid_argument` for content that is damaged or ends too early. */
export async function* decompress(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const { start, rest } = await peek(source, 4);
  const compression = detectCompression(start);
  if (compression === 'none') {
    yield* rest;
    return;
  }
  const input = Readable.from(rest, { objectMode: false, highWaterMark: chunkSize });
  const decompressor = createDecompressor(compression);
  input.on('error', (error) => decompressor.destroy(error));
  input.pipe(decompressor);
  try {
    yield* decompressor as AsyncIterable<Buffer>; // a zlib stream yields buffers
  } catch (error) {
    if (!isDataError(error)) throw error;
    throw new StackError('invalid_argument', `damaged ${compression} data: ${error.message}`, {
      cause: error,
    });
  } finally {
    input.destroy();
    decompressor.destroy();
  }
}

function createDecompressor(compression: 'gzip' | 'zstd'): Transform {
  const options: TransformOptions & zlib.ZlibOptions & zlib.ZstdOptions = {
    chunkSize,
    readableHighWaterMark,
  };
  if (compression === 'gzip') return zlib.createGunzip(options);
  const params = { [zlib.constants.ZSTD_d_windowLogMax]: largestWindowLog };
  return zlib.createZstdDecompress({ ...options, params });
}

/** What zlib reports about its input, in contrast to what went wrong while reading it. */
function isDataError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'code' in error &&
    /^(Z_|ZSTD_|ERR_ZSTD|ERR_BROTLI)/.test(String(error.code))
  );
}
