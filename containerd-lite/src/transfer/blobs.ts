/** Blobs of one transfer in the content store, kept by its lease from the moment that they are known. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ArchiveStore, ArchiveWriter } from '#lib/image-archive/archive-store';
import { isStackError, StackError } from '#spec/errors';
import type { Descriptor } from '#spec/oci/image';
import type { ContentStore } from '../content/content-store.ts';
import type { ContentWriter } from '../content/content-writer.ts';
import type { Leases } from '../leases/leases.ts';
import { refOf, sourceLabels, type Labels, type Source } from '#spec/oci/image-tree';
import type { Session } from './session.ts';

/** Documents beyond this are refused: a manifest that size is an attack. */
const largestDocument = 8 << 20;
/** How long an ingest that another client writes is waited for, and how often it is looked at. */
const lockedAttempts = 240;
const lockedDelayMs = 500;

export class Blobs implements ArchiveStore {
  readonly #content: ContentStore;
  readonly #leases: Leases;
  readonly #session: Session;

  constructor(parts: { content: ContentStore; leases: Leases }, session: Session) {
    this.#content = parts.content;
    this.#leases = parts.leases;
    this.#session = session;
  }

  /** Whether the blob is stored; if so the lease keeps it from now on, and it has the labels. */
  keep(digest: string, labels: Labels, source?: Source): boolean {
    const { namespace, lease } = this.#session;
    try {
      this.#leases.addResource(namespace, lease, { type: 'content', id: digest });
      const known = this.#content.info(namespace, digest).labels;
      const wanted = { ...labels, ...(source && sourceLabels(known, source)) };
      const missing = Object.keys(wanted).filter((key) => known[key] !== wanted[key]);
      if (missing.length > 0) {
        const paths = missing.map((key) => `labels.${key}`);
        this.#content.update(namespace, digest, wanted, paths);
      }
      return true;
    } catch (error) {
      if (isStackError(error, 'not_found')) return false;
      throw error;
    }
  }

  /** A document. Throws not_found, resource_exhausted for one that is too large to be a document. */
  async read(digest: string): Promise<Buffer> {
    const { namespace } = this.#session;
    const { size } = this.#content.info(namespace, digest);
    if (size > largestDocument) throw tooLarge(digest, size);
    return this.#content.read(namespace, digest);
  }

  /** The first bytes of a blob. */
  async start(digest: string, bytes: number): Promise<Buffer> {
    const file = await fs.promises.open(this.path(digest));
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  /** Path of the file of a blob that is stored. */
  path(digest: string): string {
    return this.#content.blobPath(this.#session.namespace, digest);
  }

  /** Path of the file that the writer of `ref` fills. */
  ingestPath(ref: string): string {
    return path.join(this.#content.layout.ingest(this.#session.namespace, ref), 'data');
  }

  /** Stores a document that is in memory. Throws conflict if it is not what its descriptor says. */
  async store(descriptor: Descriptor, content: Buffer, labels: Labels): Promise<void> {
    if (this.keep(descriptor.digest, labels)) return;
    const writer = await this.openWriter(descriptor);
    try {
      await writer?.write(0, content);
      await writer?.commit(descriptor.size, descriptor.digest, labels);
    } finally {
      await writer?.close();
    }
    if (!writer) this.keep(descriptor.digest, labels);
  }

  /** The writer of a blob, waited for while another client has it; undefined when the blob is there by then. */
  async openWriter(descriptor: Descriptor): Promise<ContentWriter | undefined> {
    const { namespace, lease, signal } = this.#session;
    const { digest: expected, size: total } = descriptor;
    for (let attempt = 1; ; attempt++) {
      try {
        const options = { expected, total, lease };
        return await this.#content.openWriter(namespace, refOf(descriptor), options);
      } catch (error) {
        if (isStackError(error, 'already_exists')) return undefined;
        if (!isStackError(error, 'unavailable') || attempt === lockedAttempts) throw error;
        await sleep(lockedDelayMs, undefined, { signal });
      }
    }
  }

  async openUnnamed(name: string): Promise<ArchiveWriter> {
    const { namespace, lease } = this.#session;
    const options = { expected: '', total: 0, lease };
    const writer = await this.#content.openWriter(namespace, `tar-${name}`, options);
    await writer.write(0, Buffer.alloc(0)); // an earlier attempt may have left something
    return {
      append: (bytes) => writer.write(writer.offset, bytes),
      commit: async () => {
        const size = writer.offset;
        return { digest: await writer.commit(0, '', {}), size };
      },
      close: () => writer.close(),
    };
  }

  /** Gives up what was written of a blob; nothing happens where nothing was. */
  async abort(ref: string): Promise<void> {
    try {
      await this.#content.abort(this.#session.namespace, ref);
    } catch (error) {
      if (!isStackError(error, 'not_found')) throw error;
    }
  }
}

function tooLarge(digest: string, size: number): StackError {
  return new StackError('resource_exhausted', `${digest} has ${size} bytes: no document`);
}
