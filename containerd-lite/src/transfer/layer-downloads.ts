/**
 * Downloads layers into the content store. While a layer arrives its file can be read already, so that it is unpacked
 * from the first byte on:
 *
 *     registry ──> hash, write to the ingest's file ──────> verify, commit
 *                          │ (bytes so far)
 *                          └──> worker thread: decompress, hash, unpack
 */
import fs from 'node:fs';
import { Slots } from '#lib/concurrency/slots';
import { inPieces } from '#lib/stream/in-pieces';
import { parallelDownloads } from '#lib/registry/registry-client';
import type { RemoteRepository } from '#lib/registry/registry-client';
import { isStackError, StackError } from '#spec/errors';
import type { Descriptor } from '#spec/oci/image';
import { refOf, sourceLabels, type Source } from '#spec/oci/image-tree';
import { FileGrowth, type GrowingFile } from '../worker/growing-file.ts';
import type { ContentWriter } from '../content/content-writer.ts';
import type { Blobs } from './blobs.ts';
import type { Session } from './session.ts';

/** Bytes written and hashed at once. */
const pieceBytes = 1 << 20;

/** A layer on its way. */
export interface Download {
  /** Resolves when the blob is verified and stored; rejects when it does not arrive. */
  readonly stored: Promise<void>;
  /** Hands the file over as soon as there is one: the blob's path, or one that still grows. Throws as `stored` rejects. */
  read<T>(use: (file: string | GrowingFile) => Promise<T>): Promise<T>;
}

export class LayerDownloads {
  readonly #blobs: Blobs;
  readonly #session: Session;
  readonly #repository: RemoteRepository;
  readonly #source: Source;
  /** Blobs on their way, by namespace and digest: transfers that share a layer fetch it once. */
  readonly #inFlight: Map<string, Promise<void>>;
  readonly #started = new Map<string, Download>();
  readonly #slots = new Slots(parallelDownloads);

  constructor({ blobs, session, repository, source }: Parts, inFlight: Map<string, Promise<void>>) {
    this.#blobs = blobs;
    this.#session = session;
    this.#repository = repository;
    this.#source = source;
    this.#inFlight = inFlight;
  }

  /** Starts downloading; a layer that the image holds several times, or that is there already, is not loaded again. */
  start(layer: Descriptor, parents: readonly string[]): Download {
    const known = this.#started.get(layer.digest);
    if (known) return known;
    const arriving = new ArrivingFile();
    const stored = this.#store(layer, parents, arriving);
    stored.catch(() => undefined); // whoever waits for it is told
    const download: Download = {
      stored,
      read: async (use) => {
        await Promise.race([arriving.opened, stored]);
        const file = arriving.acquire();
        if (file) return use(file).finally(() => arriving.release());
        await stored;
        return use(this.#blobs.path(layer.digest));
      },
    };
    this.#started.set(layer.digest, download);
    return download;
  }

  /** Resolves when none is under way any more. */
  async ended(): Promise<void> {
    await Promise.allSettled([...this.#started.values()].map(({ stored }) => stored));
  }

  async #store(
    layer: Descriptor,
    parents: readonly string[],
    arriving: ArrivingFile,
  ): Promise<void> {
    const { progress } = this.#session;
    if (this.#blobs.keep(layer.digest, {}, this.#source)) {
      progress.blob('already exists', layer, parents);
      return;
    }
    progress.blob('waiting', layer, parents, 0);
    await this.#slots.run(() => this.#downloadOnce(layer, parents, arriving));
    progress.blob('complete', layer, parents);
  }

  async #downloadOnce(
    layer: Descriptor,
    parents: readonly string[],
    arriving: ArrivingFile,
  ): Promise<void> {
    const key = `${this.#session.namespace}/${layer.digest}`;
    for (let other = this.#inFlight.get(key); other; other = this.#inFlight.get(key)) {
      await other.catch(() => undefined); // our own attempt follows if theirs failed
      if (this.#blobs.keep(layer.digest, {}, this.#source)) return;
    }
    const download = this.#download(layer, parents, arriving);
    this.#inFlight.set(key, download);
    try {
      await download;
    } finally {
      this.#inFlight.delete(key);
    }
  }

  async #download(
    layer: Descriptor,
    parents: readonly string[],
    arriving: ArrivingFile,
  ): Promise<void> {
    const writer = await this.#blobs.openWriter(layer);
    if (!writer) {
      this.#blobs.keep(layer.digest, {}, this.#source);
      return;
    }
    let growth: FileGrowth | undefined;
    try {
      // Content that another namespace has is there as a whole; an interrupted download goes on where it stopped.
      if (writer.offset < layer.size) {
        growth = arriving.open(this.#blobs.ingestPath(refOf(layer)));
        await this.#fill(writer, layer, parents, growth);
        growth.end();
      }
      await writer.commit(layer.size, layer.digest, sourceLabels({}, this.#source));
    } catch (error) {
      growth?.fail();
      if (!isStackError(error, 'conflict') && !isStackError(error, 'data_loss')) throw error;
      // What is wrong stays wrong however often the rest is loaded again.
      await this.#blobs.abort(refOf(layer));
      throw wrongContent(error);
    } finally {
      await writer.close();
      arriving.close();
    }
  }

  async #fill(
    writer: ContentWriter,
    layer: Descriptor,
    parents: readonly string[],
    growth: FileGrowth,
  ): Promise<void> {
    const { progress, signal } = this.#session;
    growth.reach(writer.offset);
    const bytes = this.#repository.blob(layer, writer.offset, { verify: false }); // the writer does
    for await (const piece of inPieces(bytes, pieceBytes)) {
      signal.throwIfAborted();
      await writer.write(writer.offset, piece);
      growth.reach(writer.offset);
      progress.blob('downloading', layer, parents, writer.offset);
    }
  }
}

interface Parts {
  blobs: Blobs;
  session: Session;
  repository: RemoteRepository;
  source: Source;
}

/** The file of a layer that arrives, with the descriptor by which it is read: open until writer and readers are done. */
class ArrivingFile {
  /** Resolves when there is a file; never, when none is needed. */
  readonly opened: Promise<void>;
  #open: () => void = () => undefined;
  #file: GrowingFile | undefined;
  #writing = false;
  #readers = 0;

  constructor() {
    this.opened = new Promise((resolve) => (this.#open = resolve));
  }

  open(path: string): FileGrowth {
    const growth = new FileGrowth(fs.openSync(path, 'r'));
    this.#file = growth.file;
    this.#writing = true;
    this.#open();
    return growth;
  }

  /** The writer is done. */
  close(): void {
    this.#writing = false;
    this.#closeIfUnused();
  }

  /** For one more reader; undefined before the file is there and after it has become a blob. */
  acquire(): GrowingFile | undefined {
    if (!this.#writing) return undefined;
    this.#readers++;
    return this.#file;
  }

  release(): void {
    this.#readers--;
    this.#closeIfUnused();
  }

  #closeIfUnused(): void {
    if (this.#writing || this.#readers > 0 || !this.#file) return;
    fs.closeSync(this.#file.fd);
    this.#file = undefined;
  }
}

/** The writer's sentence about a blob that is not what it should be, in the words of a pull. */
function wrongContent(error: StackError): StackError {
  const [, actual, expected] =
    /^unexpected commit digest (\S+), expected ([^\s:]+:[^\s:]+)/.exec(error.message) ?? [];
  const reason = actual === undefined ? error.message : `expected ${expected}, got ${actual}`;
  return new StackError('data_loss', `content has the wrong digest: ${reason}`, { cause: error });
}
