/**
 * Blobs by digest. The bytes lie once on disk; each namespace has its own record of the blobs that it knows, with
 * its own labels. Nothing is readable before its digest was verified and it was flushed.
 */
import fs from 'node:fs';
import path from 'node:path';
import { StackError } from '#spec/errors';
import { parseDigest, type Digest } from '#spec/digest';
import { timestampNow } from '#proto/timestamp';
import type { Info, Status } from '#proto/generated/containerd.services.content.v1';
import type { Leases } from '../leases/leases.ts';
import type { ContentRecord, Labels, MetadataStore } from '../metadata/metadata-store.ts';
import { updateOnlyLabels, validateLabels } from '../metadata/labels.ts';
import { touchNamespace } from '../namespaces/namespaces.ts';
import { ContentLayout } from './content-layout.ts';
import { ContentWriter } from './content-writer.ts';
import { readIngestStatus } from './ingest.ts';

/** An ingest that no lease keeps may be collected after this time without a commit. */
const ingestLifetimeMs = 24 * 3600 * 1000;

/** Begins the names of what was a blob: a large file takes a while to remove, and others do not wait for that. */
const garbagePrefix = '.garbage-';

export interface WriterOptions {
  /** Bytes, 0 if not known. */
  total: number;
  /** Digest, empty if not known. */
  expected: string;
  lease: string | undefined;
}

export class ContentStore {
  readonly layout: ContentLayout;
  readonly #metadata: MetadataStore;
  readonly #leases: Leases;
  /** `<namespace>/<ref>` of every ingest that a writer holds. */
  readonly #locked = new Set<string>();
  /** Blobs that were renamed into place and whose record is about to be written: not garbage. */
  readonly #committing = new Set<string>();

  constructor(root: string, metadata: MetadataStore, leases: Leases) {
    this.layout = new ContentLayout(root);
    this.#metadata = metadata;
    this.#leases = leases;
    fs.mkdirSync(this.layout.blobFolder, { recursive: true, mode: 0o755 });
    fs.mkdirSync(this.layout.ingestFolder, { recursive: true, mode: 0o755 });
  }

  /** Throws not_found for a blob that this namespace does not know. */
  info(namespace: string, digest: string): Info {
    return infoOf(digest, this.#record(namespace, digest));
  }

  /** Whether this namespace knows the blob. */
  has(namespace: string, digest: string): boolean {
    return this.#metadata.content.get(namespace, digest) !== undefined;
  }

  list(namespace: string): Info[] {
    return this.#metadata.content.list(namespace).map(({ name, value }) => infoOf(name, value));
  }

  /** Changes labels; see updateOnlyLabels for `paths`. */
  update(namespace: string, digest: string, labels: Labels, paths: readonly string[]): Info {
    return this.#metadata.change(() => {
      const record = this.#record(namespace, digest);
      const updated = {
        ...record,
        labels: updateOnlyLabels(record.labels, labels, paths, 'content'),
        updatedAt: timestampNow(),
      };
      this.#metadata.content.put(namespace, digest, updated);
      return infoOf(digest, updated);
    });
  }

  /** The namespace forgets the blob; the garbage collector removes the file once nobody knows it. */
  delete(namespace: string, digest: string): void {
    this.#metadata.change(() => {
      this.#record(namespace, digest);
      this.#metadata.content.delete(namespace, digest);
    });
  }

  /** Path of the file of a blob that this namespace knows. */
  blobPath(namespace: string, digest: string): string {
    this.#record(namespace, digest);
    return this.layout.blob(parseDigest(digest));
  }

  /** Whole content of a small blob. Throws what {@link info} throws. */
  async read(namespace: string, digest: string): Promise<Buffer> {
    return fs.promises.readFile(this.blobPath(namespace, digest));
  }

  /**
   * Begins or continues the ingest `ref`. Throws already_exists if `expected` is known (and adds it to the lease),
   * unavailable while another writer holds the ref.
   */
  async openWriter(namespace: string, ref: string, options: WriterOptions): Promise<ContentWriter> {
    const { expected, total, lease } = options;
    if (ref === '') throw new StackError('invalid_argument', 'a writer needs a ref');
    if (expected !== '') parseDigest(expected);
    const lock = `${namespace}/${ref}`;
    if (this.#locked.has(lock)) {
      throw new StackError('unavailable', `ref ${ref} is locked by another writer: unavailable`);
    }
    this.#metadata.change(() => {
      if (expected !== '' && this.#metadata.content.get(namespace, expected)) {
        this.#leases.add(namespace, lease, { type: 'content', id: expected });
        return; // the lease must hold although the call fails
      }
      this.#leases.add(namespace, lease, { type: 'ingests', id: ref });
      touchNamespace(this.#metadata, namespace);
      this.#metadata.ingests.put(namespace, ref, {
        expected,
        ...(lease === undefined ? { expiresAtMs: Date.now() + ingestLifetimeMs } : {}),
      });
    });
    if (expected !== '' && this.#metadata.content.get(namespace, expected)) {
      throw new StackError('already_exists', `content ${expected}: already exists`);
    }
    this.#locked.add(lock);
    try {
      return await ContentWriter.open({
        namespace,
        ref,
        expected,
        total,
        folder: this.layout.ingest(namespace, ref),
        sharedSize: this.#sharedSize(expected, total),
        commit: (digest, size, labels, file) =>
          this.#commit(namespace, ref, lease, { digest, size, labels, file }),
        release: () => this.#locked.delete(lock),
      });
    } catch (error) {
      this.#locked.delete(lock);
      throw error;
    }
  }

  /** Whether a writer holds the ingest. */
  isOpen(namespace: string, ref: string): boolean {
    return this.#locked.has(`${namespace}/${ref}`);
  }

  /** Throws not_found. */
  async status(namespace: string, ref: string): Promise<Status> {
    const record = this.#metadata.ingests.get(namespace, ref);
    const status =
      record && (await readIngestStatus(this.layout.ingest(namespace, ref), ref, record.expected));
    if (!status) throw new StackError('not_found', `ingest "${ref}": not found`);
    return status;
  }

  async listStatuses(namespace: string): Promise<Status[]> {
    const statuses = await Promise.all(
      this.#metadata.ingests
        .list(namespace)
        .map(({ name, value }) =>
          readIngestStatus(this.layout.ingest(namespace, name), name, value.expected),
        ),
    );
    return statuses.filter((status) => status !== undefined);
  }

  /** Gives an ingest up, also under its writer. Throws not_found. */
  async abort(namespace: string, ref: string): Promise<void> {
    this.#metadata.change(() => {
      if (!this.#metadata.ingests.delete(namespace, ref)) {
        throw new StackError('not_found', `ingest "${ref}": not found`);
      }
    });
    await fs.promises.rm(this.layout.ingest(namespace, ref), { recursive: true, force: true });
  }

  /** Removes the files of blobs and ingests that no namespace has a record of. */
  async removeUnknownFiles(): Promise<void> {
    const blobs = await fs.promises.readdir(this.layout.blobFolder);
    const known = new Set(this.#metadata.content.listAll().map(({ name }) => name));
    // No await between looking and renaming: a commit in between would lose its file.
    const garbage = blobs.flatMap((name) => {
      const digest = `sha256:${name}`;
      if (known.has(digest) || this.#committing.has(digest)) return [];
      const file = path.join(this.layout.blobFolder, name);
      if (name.startsWith(garbagePrefix)) return [file];
      const renamed = path.join(this.layout.blobFolder, `${garbagePrefix}${name}`);
      fs.renameSync(file, renamed);
      return [renamed];
    });
    for (const file of garbage) await fs.promises.rm(file, { force: true });
    const ingests = await fs.promises.readdir(this.layout.ingestFolder);
    const wanted = new Set(
      this.#metadata.ingests
        .listAll()
        .map(({ namespace, name }) => path.basename(this.layout.ingest(namespace, name))),
    );
    for (const name of ingests) {
      if (wanted.has(name)) continue;
      fs.rmSync(path.join(this.layout.ingestFolder, name), { recursive: true, force: true });
    }
  }

  /** Size of a blob that another namespace has, if it can be taken over from there instead of being written. */
  #sharedSize(expected: string, total: number): number | undefined {
    if (expected === '') return undefined;
    try {
      const { size } = fs.statSync(this.layout.blob(parseDigest(expected)));
      return total === 0 || total === size ? size : undefined;
    } catch {
      return undefined; // not there
    }
  }

  async #commit(
    namespace: string,
    ref: string,
    lease: string | undefined,
    blob: { digest: Digest; size: number; labels: Labels; file: string | undefined },
  ): Promise<void> {
    const { digest, size, labels, file } = blob;
    validateLabels(labels);
    this.#committing.add(digest);
    try {
      if (file !== undefined) await moveIntoPlace(file, this.layout.blob(digest));
      this.#metadata.change(() => {
        this.#metadata.ingests.delete(namespace, ref);
        this.#leases.add(namespace, lease, { type: 'content', id: digest });
        this.#leases.remove(namespace, lease, { type: 'ingests', id: ref });
        if (this.#metadata.content.get(namespace, digest)) return;
        const now = timestampNow();
        this.#metadata.content.put(namespace, digest, {
          size,
          createdAt: now,
          updatedAt: now,
          labels,
        });
      });
    } finally {
      this.#committing.delete(digest);
    }
    await fs.promises.rm(this.layout.ingest(namespace, ref), { recursive: true, force: true });
  }

  #record(namespace: string, digest: string): ContentRecord {
    parseDigest(digest);
    const record = this.#metadata.content.get(namespace, digest);
    if (!record) throw new StackError('not_found', `content digest ${digest}: not found`);
    return record;
  }
}

/** Renames the file of a blob to where it belongs, and flushes the folder. */
async function moveIntoPlace(file: string, target: string): Promise<void> {
  const folder = path.dirname(target);
  await fs.promises.mkdir(folder, { recursive: true, mode: 0o755 });
  await fs.promises.rename(file, target);
  const directory = await fs.promises.open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function infoOf(digest: string, record: ContentRecord): Info {
  return {
    digest,
    size: record.size,
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    labels: record.labels,
  };
}
