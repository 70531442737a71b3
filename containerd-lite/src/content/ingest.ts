/** A blob on its way in: appended to a file, hashed as it passes, checked at the end. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError } from '#spec/errors';
import { Digester, type Digest } from '#spec/digest';
import { timestampFromDate } from '#proto/timestamp';
import type { Status } from '#proto/generated/containerd.services.content.v1';

/** Bytes read at once when the hash of what is already there is needed. */
const readChunkBytes = 1024 * 1024;

/** Exclusive access to one ingest folder. Not for concurrent use: one call at a time. */
export class IngestFile {
  readonly #folder: string;
  readonly #file: fs.promises.FileHandle;
  #offset: number;
  /** Undefined while bytes from an earlier writer have not been hashed. */
  #digester: Digester | undefined;
  /** Digest of everything in the file, where it was not computed here. */
  #known: Digest | undefined;

  private constructor(folder: string, file: fs.promises.FileHandle, offset: number) {
    this.#folder = folder;
    this.#file = file;
    this.#offset = offset;
    if (offset === 0) this.#digester = new Digester();
  }

  /** Continues the ingest in `folder`, or begins one for `ref`. */
  static async open(folder: string, ref: string, total: number): Promise<IngestFile> {
    await fs.promises.mkdir(folder, { recursive: true, mode: 0o755 });
    const note = (name: string, text: string) =>
      fs.promises.writeFile(path.join(folder, name), text);
    const file = await fs.promises.open(
      path.join(folder, 'data'),
      fs.constants.O_RDWR | fs.constants.O_CREAT,
      0o444,
    );
    try {
      const { size } = await file.stat();
      if (size === 0) {
        await Promise.all([note('ref', ref), note('startedat', new Date().toISOString())]);
      }
      if (total > 0) await note('total', String(total));
      return new IngestFile(folder, file, size);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes stored so far. */
  get offset(): number {
    return this.#offset;
  }

  async append(data: Uint8Array): Promise<void> {
    this.#known = undefined;
    await this.#hashWhatIsThere();
    for (let done = 0; done < data.length;) {
      const { bytesWritten } = await this.#file.write(
        data,
        done,
        data.length - done,
        this.#offset + done,
      );
      done += bytesWritten;
    }
    this.#digester?.update(data);
    this.#offset += data.length;
  }

  /** Starts again from nothing. */
  async truncate(): Promise<void> {
    await this.#file.truncate(0);
    this.#offset = 0;
    this.#digester = new Digester();
    this.#known = undefined;
  }

  /** Somebody else has written the whole file and computed its digest. */
  adopt(digest: Digest, sizeBytes: number): void {
    this.#offset = sizeBytes;
    this.#digester = undefined;
    this.#known = digest;
  }

  /**
   * Checks and flushes what was written and returns its digest; the file is ready to be renamed and this object
   * used up. Throws conflict (FAILED_PRECONDITION) where size or digest are not the expected ones.
   */
  async finish(total: number, expected: string): Promise<Digest> {
    if (total > 0 && this.#offset !== total) {
      throw new StackError(
        'conflict',
        `unexpected commit size ${this.#offset}, expected ${total}: failed precondition`,
      );
    }
    const digest = await this.digest();
    if (expected !== '' && digest !== expected) {
      throw new StackError(
        'conflict',
        `unexpected commit digest ${digest}, expected ${expected}: failed precondition`,
      );
    }
    await this.#file.chmod(0o444);
    await this.#file.sync();
    return digest;
  }

  /** Digest of what is stored so far. */
  async digest(): Promise<Digest> {
    if (this.#known !== undefined) return this.#known;
    await this.#hashWhatIsThere();
    return (this.#digester ?? new Digester()).current();
  }

  get dataPath(): string {
    return path.join(this.#folder, 'data');
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #hashWhatIsThere(): Promise<void> {
    if (this.#digester) return;
    const digester = new Digester();
    const chunk = Buffer.alloc(readChunkBytes);
    for (let position = 0; position < this.#offset;) {
      const { bytesRead } = await this.#file.read(chunk, 0, chunk.length, position);
      if (bytesRead === 0) {
        throw new StackError('data_loss', `${this.dataPath} ended at ${position} while being read`);
      }
      digester.update(chunk.subarray(0, bytesRead));
      position += bytesRead;
    }
    this.#digester = digester;
  }
}

/** What is known of an ingest that may or may not be open. Undefined if there is none in `folder`. */
export async function readIngestStatus(
  folder: string,
  ref: string,
  expected: string,
): Promise<Status | undefined> {
  let stats: fs.Stats;
  try {
    stats = await fs.promises.stat(path.join(folder, 'data'));
  } catch {
    return undefined; // begun, but nothing is there yet, or just committed
  }
  const started = await fs.promises
    .readFile(path.join(folder, 'startedat'), 'utf8')
    .then((text) => new Date(text))
    .catch(() => stats.birthtime);
  const total = await fs.promises
    .readFile(path.join(folder, 'total'), 'utf8')
    .then(Number)
    .catch(() => 0);
  return {
    ref,
    startedAt: timestampFromDate(started),
    updatedAt: timestampFromDate(stats.mtime),
    offset: stats.size,
    total,
    expected,
  };
}
