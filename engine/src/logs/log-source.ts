/** One file of a log, opened for reading: as it is, or compressed, which is undone when somebody reads it. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { errorCode } from '#spec/errors';
import { compressedName, rotatedName } from './log-file.ts';

const readAt = promisify(fs.read);

export class LogSource {
  readonly #path: string;
  readonly #isCompressed: boolean;
  #fd: number;
  #plain: Promise<void> | undefined;

  private constructor(path: string, fd: number, isCompressed: boolean) {
    this.#path = path;
    this.#fd = fd;
    this.#isCompressed = isCompressed;
  }

  /** The file with that number of the log at `path`; 0 is the newest. Undefined when there is none. */
  static open(path: string, index: number): LogSource | undefined {
    const plain = openIfPresent(rotatedName(path, index));
    if (plain !== undefined) return new LogSource(path, plain, false);
    if (index === 0) return undefined;
    const compressed = openIfPresent(compressedName(path, index));
    return compressed === undefined ? undefined : new LogSource(path, compressed, true);
  }

  /** When its last entry was written, in milliseconds since 1970. */
  get lastWrittenMs(): number {
    return fs.fstatSync(this.#fd).mtimeMs;
  }

  /** Bytes at present, compressed or not. */
  get currentSize(): number {
    return fs.fstatSync(this.#fd).size;
  }

  async size(): Promise<number> {
    await this.#decompressed();
    return fs.fstatSync(this.#fd).size;
  }

  /** Fills `block` from `position` on; returns how many bytes there were. */
  async read(block: Buffer, position: number): Promise<number> {
    await this.#decompressed();
    let length = 0;
    while (length < block.length) {
      const { bytesRead } = await readAt(
        this.#fd,
        block,
        length,
        block.length - length,
        position + length,
      );
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return length;
  }

  async close(): Promise<void> {
    await this.#plain?.catch(() => undefined); // whoever read has seen it
    fs.closeSync(this.#fd);
  }

  #decompressed(): Promise<void> {
    if (!this.#isCompressed) return done;
    return (this.#plain ??= this.#decompress());
  }

  /** Into a file without a name: entries are found from its end, and it may be large. */
  async #decompress(): Promise<void> {
    const file = `${this.#path}.${randomBytes(6).toString('hex')}`;
    const fd = fs.openSync(file, 'wx+', 0o600);
    fs.rmSync(file);
    try {
      await pipeline(
        fs.createReadStream('', { fd: this.#fd, autoClose: false, start: 0 }),
        zlib.createGunzip(),
        fs.createWriteStream('', { fd, autoClose: false, start: 0 }),
      );
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
    fs.closeSync(this.#fd);
    this.#fd = fd;
  }
}

const done = Promise.resolve();

function openIfPresent(file: string): number | undefined {
  try {
    return fs.openSync(file, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
