/**
 * Reads an archive of images as it arrives, `docker save`'s kind or an OCI layout, and stores its files as blobs. What the
 * archive holds is told by an index: its own, or one made from docker's manifest.json.
 */
import path from 'node:path';
import type { Digest } from '#spec/digest';
import { StackError } from '#spec/errors';
import { parseDocument } from '#spec/oci/image-tree';
import type { TarEntry } from '../unpack/tar-entry.ts';
import { TarReader } from '../unpack/tar-reader.ts';
import type { ArchiveStore, ArchiveWriter } from './archive-store.ts';

/** Documents of the archive itself. */
const largestDocument = 20 << 20;
const documents: readonly string[] = ['oci-layout', 'manifest.json'];

/** A file of the archive that was stored. */
export interface ArchivedBlob {
  digest: Digest;
  size: number;
}

export interface Archive {
  /** By path within the archive; links stand for what they point to. */
  blobs: ReadonlyMap<string, ArchivedBlob>;
  /** Content of `oci-layout`. */
  ociLayout: unknown;
  /** Content of docker's `manifest.json`. */
  dockerManifest: unknown;
}

/** Throws invalid_argument for what is no archive, or a damaged one. */
export async function readArchive(
  source: AsyncIterable<Buffer>,
  store: ArchiveStore,
  signal: AbortSignal,
): Promise<Archive> {
  const files = new ArchiveFiles(store);
  const steps: (() => Promise<void>)[] = [];
  const reader = new TarReader({
    entry: (entry) => steps.push(() => files.begin(entry)),
    content: (bytes) => steps.push(() => files.append(bytes)),
    end: () => steps.push(() => files.end()),
  });
  try {
    for await (const bytes of source) {
      signal.throwIfAborted();
      reader.write(bytes);
      // What the reader handed on are parts of these bytes: they are stored before the next come.
      for (const step of steps.splice(0)) await step();
    }
    reader.end();
    for (const step of steps.splice(0)) await step();
    return files.archive();
  } finally {
    await files.close();
  }
}

class ArchiveFiles {
  readonly #store: ArchiveStore;
  readonly #blobs = new Map<string, ArchivedBlob>();
  readonly #links = new Map<string, string>();
  readonly #documents = new Map<string, Buffer[]>();
  #name = '';
  #document: Buffer[] | undefined;
  #documentBytes = 0;
  #writer: ArchiveWriter | undefined;

  constructor(store: ArchiveStore) {
    this.#store = store;
  }

  async begin({ type, name: rawName, linkName }: TarEntry): Promise<void> {
    const name = cleaned(rawName);
    this.#name = name;
    if (type === 'symlink') {
      this.#links.set(name, cleaned(path.posix.join(path.posix.dirname(name), linkName)));
    } else if (type === 'link') this.#links.set(name, cleaned(linkName));
    if (type !== 'file') return;
    if (documents.includes(name)) {
      this.#document = [];
      this.#documentBytes = 0;
      this.#documents.set(name, this.#document);
      return;
    }
    this.#writer = await this.#store.openUnnamed(name);
  }

  async append(bytes: Buffer): Promise<void> {
    if (this.#document) {
      this.#documentBytes += bytes.length;
      if (this.#documentBytes > largestDocument) {
        throw new StackError('resource_exhausted', `"${this.#name}" is too large for a document`);
      }
      this.#document.push(Buffer.from(bytes));
    } else await this.#writer?.append(bytes);
  }

  async end(): Promise<void> {
    this.#document = undefined;
    const writer = this.#writer;
    if (!writer) return;
    this.#blobs.set(this.#name, await writer.commit());
    await this.close();
  }

  archive(): Archive {
    for (const [name, target] of this.#links) {
      const blob = this.#blobs.get(target);
      if (blob) this.#blobs.set(name, blob);
    }
    const document = (name: string) => {
      const parts = this.#documents.get(name);
      return parts && parseDocument(Buffer.concat(parts), name);
    };
    return {
      blobs: this.#blobs,
      ociLayout: document('oci-layout'),
      dockerManifest: document('manifest.json'),
    };
  }

  async close(): Promise<void> {
    await this.#writer?.close();
    this.#writer = undefined;
  }
}

/** `./a//b` as `a/b`. */
function cleaned(name: string): string {
  return path.posix.normalize(name).replace(/^(?:\.?\/)+|\/$/g, '');
}
