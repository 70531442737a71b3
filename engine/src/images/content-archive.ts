/** containerd's content store as where the files of an archive go, by its API. */
import { randomUUID } from 'node:crypto';
import type { ArchiveStore, ArchiveWriter } from '#lib/image-archive/archive-store';
import type { ContainerdClient } from '#proto/containerd-client';
import type { WriteContentResponse } from '#proto/generated/containerd.services.content.v1';
import { Digester, type Digest } from '#spec/digest';
import { isStackError } from '#spec/errors';
import type { Descriptor } from '#spec/oci/image';
import type { Labels } from '#spec/oci/image-tree';
import type { ImageContent } from './image-content.ts';

/** Bytes of one message: few round trips, and well below gRPC's limit of 16 MiB. */
const messageBytes = 1 << 20;

/** Everything that is stored is kept by `lease`. */
export class ContentArchive implements ArchiveStore {
  readonly #client: ContainerdClient;
  readonly #content: ImageContent;
  readonly #lease: string;

  constructor(client: ContainerdClient, content: ImageContent, lease: string) {
    this.#client = client;
    this.#content = content;
    this.#lease = lease;
  }

  async openUnnamed(): Promise<ArchiveWriter> {
    return new UnnamedBlob(this.#client, this.#lease, `archive-${randomUUID()}`);
  }

  keep(digest: string, labels: Labels): Promise<boolean> {
    return this.#content.keep(digest, labels, this.#lease);
  }

  read(digest: string): Promise<Buffer> {
    return this.#content.read(digest);
  }

  async start(digest: string, bytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const { data } of this.#client.content.read({ digest, size: bytes })) {
      parts.push(data);
    }
    return Buffer.concat(parts).subarray(0, bytes);
  }

  store(descriptor: Descriptor, content: Buffer, labels: Labels): Promise<void> {
    return this.#content.storeDocument(descriptor, content, labels, this.#lease);
  }
}

/** An ingest under a name of its own, whose digest is known at its end. */
class UnnamedBlob implements ArchiveWriter {
  readonly #client: ContainerdClient;
  readonly #ref: string;
  readonly #lease: string;
  readonly #digester = new Digester();
  readonly #call: ReturnType<ContainerdClient['content']['write']>;
  readonly #answers: AsyncIterator<WriteContentResponse>;
  #buffered: Buffer[] = [];
  #bufferedBytes = 0;
  #offset = 0;
  #committed = false;

  constructor(client: ContainerdClient, lease: string, ref: string) {
    this.#client = client;
    this.#ref = ref;
    this.#lease = lease;
    this.#call = client.content.write({ lease });
    this.#answers = this.#call[Symbol.asyncIterator]();
  }

  async append(bytes: Buffer): Promise<void> {
    this.#digester.update(bytes);
    this.#buffered.push(Buffer.from(bytes)); // its owner uses the memory again
    this.#bufferedBytes += bytes.length;
    if (this.#bufferedBytes >= messageBytes) await this.#flush();
  }

  async commit(): Promise<{ digest: Digest; size: number }> {
    await this.#flush();
    const digest = this.#digester.digest();
    const size = this.#offset;
    // Before the question whether there is one: containerd's answer that there is does not keep it from being collected.
    const resource = { id: digest, type: 'content' };
    await this.#client.leases.addResource({ id: this.#lease, resource });
    try {
      await this.#call.write({ ref: this.#ref, action: 'COMMIT', offset: size, expected: digest });
      await this.#answers.next();
      this.#call.end();
    } catch (error) {
      if (!isStackError(error, 'already_exists')) throw error;
      await this.#client.content.abort({ ref: this.#ref }).catch(() => undefined); // gone with its failure
    }
    this.#committed = true;
    return { digest, size };
  }

  async close(): Promise<void> {
    if (!this.#committed) {
      this.#call.cancel();
      await this.#client.content.abort({ ref: this.#ref }).catch(() => undefined); // the lease ends it anyway
    }
    await this.#answers.return?.().catch(() => undefined); // the call has ended either way
  }

  async #flush(): Promise<void> {
    const data = Buffer.concat(this.#buffered);
    this.#buffered = [];
    this.#bufferedBytes = 0;
    await this.#call.write({ ref: this.#ref, action: 'WRITE', offset: this.#offset, data });
    this.#offset += data.length;
    await this.#answers.next();
  }
}
