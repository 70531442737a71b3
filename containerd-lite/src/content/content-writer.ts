/** The writer of one ingest, which holds its ref until it is closed. */
import { StackError } from '#spec/errors';
import { parseDigest, type Digest } from '#spec/digest';
import type { Labels } from '../metadata/metadata-store.ts';
import { IngestFile } from './ingest.ts';

export interface ContentWriterParts {
  namespace: string;
  ref: string;
  /** Digest, empty if not known. */
  expected: string;
  /** Bytes, 0 if not known. */
  total: number;
  folder: string;
  /** Set when another namespace has the blob: nothing need be written, a commit is enough. */
  sharedSize: number | undefined;
  /** Makes the blob known; `file` is missing where the blob is already in place. */
  commit(digest: Digest, size: number, labels: Labels, file: string | undefined): Promise<void>;
  release(): void;
}

export class ContentWriter {
  readonly #parts: ContentWriterParts;
  /** Undefined while the blob of another namespace stands for it. */
  #file: IngestFile | undefined;
  #sharedSize: number | undefined;
  #closed = false;
  readonly startedAt = new Date();
  updatedAt = new Date();

  private constructor(parts: ContentWriterParts) {
    this.#parts = parts;
    this.#sharedSize = parts.sharedSize;
  }

  static async open(parts: ContentWriterParts): Promise<ContentWriter> {
    const writer = new ContentWriter(parts);
    if (parts.sharedSize === undefined) await writer.#openFile();
    return writer;
  }

  /** Bytes stored so far. */
  get offset(): number {
    return this.#sharedSize ?? this.#file?.offset ?? 0;
  }

  /** Digest of what is stored so far. */
  async digest(): Promise<Digest> {
    if (this.#sharedSize !== undefined) return parseDigest(this.#parts.expected);
    return (await this.#openFile()).digest();
  }

  /**
   * Appends `data`. `offset` must be where the ingest ends (out_of_range otherwise); 0 starts it again.
   */
  async write(offset: number, data: Uint8Array): Promise<void> {
    if (offset < 0) throw new StackError('invalid_argument', `offset ${offset} is negative`);
    if (offset > 0 && offset !== this.offset) {
      throw new StackError(
        'out_of_range',
        `write @${offset} must occur at current offset ${this.offset}: out of range`,
      );
    }
    if (offset === 0 && this.offset > 0) {
      this.#sharedSize = undefined;
      await (await this.#openFile()).truncate();
    }
    if (data.length === 0) return;
    await (await this.#openFile()).append(data);
    this.updatedAt = new Date();
  }

  /**
   * Lets `produce` write the whole content into a file, in place of {@link write}. It says what it has written, which
   * is believed.
   */
  async fill<T extends { digest: Digest; sizeBytes: number }>(
    produce: (file: string) => Promise<T>,
  ): Promise<T> {
    const file = await this.#openFile();
    await file.truncate();
    const produced = await produce(file.dataPath);
    file.adopt(produced.digest, produced.sizeBytes);
    this.updatedAt = new Date();
    return produced;
  }

  /**
   * Verifies size and digest, makes the blob known to the namespace and ends the ingest. Throws conflict where they
   * are not as expected; the ingest then stays.
   */
  async commit(total: number, expected: string, labels: Labels): Promise<Digest> {
    if (this.#sharedSize !== undefined) {
      const digest = parseDigest(this.#parts.expected);
      await this.#parts.commit(digest, this.#sharedSize, labels, undefined);
      return digest;
    }
    const file = await this.#openFile();
    const digest = await file.finish(total, expected);
    await this.#parts.commit(digest, file.offset, labels, file.dataPath);
    return digest;
  }

  /** Lets go of the ref; what was written stays for the next writer. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#file?.close();
    this.#parts.release();
  }

  async #openFile(): Promise<IngestFile> {
    const { folder, namespace, ref, total } = this.#parts;
    this.#file ??= await IngestFile.open(folder, `${namespace}/${ref}`, total);
    return this.#file;
  }
}
