/** Blobs of images in containerd's content store: reading, keeping, labelling. */
import type { ContainerdClient } from '#proto/containerd-client';
import { isStackError, StackError } from '#spec/errors';
import type { Descriptor } from '#spec/oci/image';
import { writeBlob, type BlobWrite } from './blob-writer.ts';
import { refOf, sourceLabels, type Labels, type Source } from '#spec/oci/image-tree';

/** Documents (manifests, configs) beyond this are not read into memory. */
const largestDocument = 8 << 20;

export class ImageContent {
  readonly #client: ContainerdClient;
  /** Blobs on their way, so that pulls that share a layer fetch it once. */
  readonly #inFlight = new Map<string, Promise<void>>();

  constructor(client: ContainerdClient) {
    this.#client = client;
  }

  /** The content of a document. Throws not_found. */
  async read(digest: string): Promise<Buffer> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const { data } of this.#client.content.read({ digest })) {
      parts.push(data);
      size += data.length;
      if (size > largestDocument) {
        throw new StackError('resource_exhausted', `${digest} is too large for a document`);
      }
    }
    return Buffer.concat(parts);
  }

  async has(digest: string): Promise<boolean> {
    try {
      await this.#client.content.info({ digest });
      return true;
    } catch (error) {
      if (isStackError(error, 'not_found')) return false;
      throw error;
    }
  }

  /** Whether the blob is stored; if so the lease keeps it from now on, and it has the labels and the source among its others. */
  async keep(digest: string, labels: Labels, lease: string, source?: Source): Promise<boolean> {
    // The lease comes first: what it names cannot be collected between the question and the use.
    await this.#client.leases.addResource({ id: lease, resource: { id: digest, type: 'content' } });
    try {
      const { info } = await this.#client.content.info({ digest });
      const known = info?.labels ?? {};
      const wanted = { ...labels, ...(source && sourceLabels(known, source)) };
      const missing = Object.entries(wanted).filter(([key, value]) => known[key] !== value);
      if (missing.length > 0) await this.label(digest, Object.fromEntries(missing));
      return true;
    } catch (error) {
      if (isStackError(error, 'not_found')) return false;
      throw error;
    }
  }

  /** Stores a blob unless it is being stored by somebody else here already, whose success then counts. */
  async store(blob: BlobWrite): Promise<void> {
    const { digest } = blob.descriptor;
    const other = this.#inFlight.get(digest);
    if (other) {
      await other.catch(() => undefined); // our own attempt follows if theirs failed
      if (await this.keep(digest, blob.labels, blob.lease, blob.source)) return;
    }
    const write = writeBlob(this.#client, blob);
    this.#inFlight.set(digest, write);
    try {
      await write;
    } finally {
      if (this.#inFlight.get(digest) === write) this.#inFlight.delete(digest);
    }
  }

  /** Stores a document that is in memory. */
  async storeDocument(
    { mediaType, digest, size }: Descriptor,
    content: Buffer,
    labels: Labels,
    lease: string,
    source?: Source,
  ): Promise<void> {
    if (await this.keep(digest, labels, lease, source)) return;
    await this.store({
      ref: refOf({ mediaType, digest, size }),
      descriptor: { mediaType, digest, size },
      labels,
      lease,
      ...(source && { source }),
      async *open(offset) {
        yield content.subarray(offset);
      },
    });
  }

  /** Adds labels; the others stay. */
  async label(digest: string, labels: Labels): Promise<void> {
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    await this.#client.content.update({ info: { digest, labels }, updateMask: { paths } });
  }
}
