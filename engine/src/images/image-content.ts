/** Blobs of images in containerd's content store: reading, keeping, labelling. */
import type { ContainerdClient } from '#proto/containerd-client';
import { isStackError, StackError } from '#spec/errors';
import type { Descriptor } from '#spec/oci/image';
import { writeBlob, type BlobWrite } from './blob-writer.ts';
import type { Labels } from './gc-labels.ts';

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

  /** Whether the blob is stored; if so the lease keeps it from now on, and it has the labels. */
  async keep(digest: string, labels: Labels, lease: string): Promise<boolean> {
    // The lease comes first: what it names cannot be collected between the question and the use.
    await this.#client.leases.addResource({ id: lease, resource: { id: digest, type: 'content' } });
    try {
      await this.label(digest, labels);
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
      if (await this.keep(digest, blob.labels, blob.lease)) return;
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
  ): Promise<void> {
    if (await this.keep(digest, labels, lease)) return;
    await this.store({
      ref: ingestRef(mediaType, digest),
      descriptor: { mediaType, digest, size },
      labels,
      lease,
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

/** Names of ingests as containerd's own client chooses them: a pull by `ctr` of the same blob is seen. */
export function ingestRef(mediaType: string, digest: string): string {
  if (/index|manifest\.list/.test(mediaType)) return `index-${digest}`;
  if (mediaType.includes('manifest')) return `manifest-${digest}`;
  if (/layer|rootfs/.test(mediaType)) return `layer-${digest}`;
  return `config-${digest}`;
}
