/** Images over any containerd: its content store, snapshots and image names. */
import type { ContainerdClient } from '#proto/containerd-client';
import { hostPlatform, parsePlatform } from '#lib/registry/platform';
import type { RegistryClient } from '#lib/registry/registry-client';
import type { Digest } from '#spec/digest';
import { isStackError, StackError } from '#spec/errors';
import { isManifestType, parseManifest, type Descriptor } from '#spec/oci/image';
import {
  formatFamiliar,
  formatReference,
  parseReference,
  withDefaultTag,
  type ImageReference,
} from '#spec/reference';
import { isLite } from '../containerd/peer.ts';
import { Mutex } from '../daemon/mutex.ts';
import type { ImageInspect, ImageSummary, RemovedImage } from './api-types.ts';
import { applyFilters } from './apply-filters.ts';
import { commitImage } from './commit-image.ts';
import { DocumentReader } from './documents.ts';
import type { ImageFilters } from './filters.ts';
import { parseDocument, manifestLabels } from '#spec/oci/image-tree';
import { ImageCatalog } from './image-catalog.ts';
import { ImageContent } from './image-content.ts';
import { danglingName } from './image-names.ts';
import type {
  CommitOptions,
  ImageBlob,
  ImageService,
  ImageUser,
  LoadedImage,
  PullOptions,
  PullProgress,
  RemoveOptions,
  StoredImage,
} from './image-service.ts';
import { historyOf, type HistoryItem } from './image-history.ts';
import { archiveOf, namesOfLoaded } from './named-archives.ts';
import type { PushMessage } from './push-progress.ts';
import { pushStoredImage } from './push-stored-image.ts';
import { inspectOf, summaryOf } from './image-summaries.ts';
import { withPullLease } from './lease.ts';
import { pullImage, requirePlatform, type PulledImage } from './pull-image.ts';
import { nameDangling, recordsToRemove, removeRecords } from './remove-image.ts';
import { loadImages } from './transfer-archive.ts';
import { hasTransfer, pullByTransfer } from './transfer-pull.ts';
import { Unpacker } from './unpack-image.ts';

export interface ImageServiceOptions {
  client: ContainerdClient;
  /** `overlayfs`, `native`, … */
  snapshotter: string;
  registry: RegistryClient;
  /** The containers that were created from an image. */
  usersOf(imageId: string): readonly ImageUser[];
}

export class ContainerdImageService implements ImageService {
  readonly #options: ImageServiceOptions;
  readonly #content: ImageContent;
  readonly #documents: DocumentReader;
  readonly #unpacker: Unpacker;
  readonly #catalog: ImageCatalog;
  /** Names change one at a time: a removal must not overlook the name that a pull adds. */
  readonly #names = new Mutex();
  /** Whether containerd pulls by itself; undefined before it was asked. */
  #transferPeer: Promise<boolean> | undefined;

  constructor(options: ImageServiceOptions) {
    const { client, snapshotter } = options;
    this.#options = options;
    this.#content = new ImageContent(client);
    this.#documents = new DocumentReader(this.#content);
    this.#unpacker = new Unpacker(client, this.#content, snapshotter);
    this.#catalog = new ImageCatalog(client, this.#documents, this.#unpacker);
  }

  async get(reference: string): Promise<StoredImage> {
    const { entry, record } = await this.#catalog.find(reference);
    return this.#catalog.stored(entry, record);
  }

  async list(filters: ImageFilters): Promise<ImageSummary[]> {
    const images: StoredImage[] = [];
    for (const entry of await this.#catalog.entries()) {
      const [record] = entry.records;
      if (record) images.push(await this.#catalog.stored(entry, record));
    }
    const shown = await applyFilters(images, filters, (name) => this.get(name));
    return shown
      .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
      .map((image) => summaryOf(image, this.#options.usersOf(image.id).length));
  }

  async inspect(reference: string): Promise<ImageInspect> {
    const { entry, record } = await this.#catalog.find(reference);
    const image = await this.#catalog.stored(entry, record);
    return inspectOf(image, this.#options.snapshotter, record.createdAt);
  }

  remove(reference: string, { force, noPrune = false }: RemoveOptions): Promise<RemovedImage[]> {
    return this.#names.run(async () => {
      const found = await this.#catalog.find(reference);
      const { entry } = found;
      const users = this.#options.usersOf(entry.id);
      const records = recordsToRemove(found, users, force);
      const entries = await this.#catalog.entries();
      return removeRecords(this.#options.client, entry, records, {
        inUse: users.length > 0 || noPrune,
        otherEntries: entries.filter(({ id }) => id !== entry.id),
      });
    });
  }

  async pull(
    text: string,
    options: PullOptions,
    onProgress: (message: PullProgress) => void,
  ): Promise<StoredImage> {
    const reference = withDefaultTag(parseReference(text));
    return (await this.#pullsByItself(reference))
      ? this.#transfer(reference, options, onProgress)
      : this.#fetch(reference, options, onProgress);
  }

  /** Over a containerd that does all of it. */
  async #transfer(
    reference: ImageReference,
    options: PullOptions,
    onProgress: (message: PullProgress) => void,
  ): Promise<StoredImage> {
    const { client, snapshotter } = this.#options;
    const pulled = await pullByTransfer(client, snapshotter, reference, options, onProgress);
    const { target, reporter } = pulled;
    try {
      const { platform: wanted } = options;
      const platform = wanted === undefined ? hostPlatform() : parsePlatform(wanted);
      const image = await this.#documents.read(target, platform);
      if (wanted !== undefined) requirePlatform(image, platform, reference);
      reporter.line(`Digest: ${target.digest}`);
      return await this.#named(reference, { target, image }, onProgress);
    } finally {
      await pulled.release();
    }
  }

  /** Over a containerd that only stores. */
  #fetch(
    reference: ImageReference,
    options: PullOptions,
    onProgress: (message: PullProgress) => void,
  ): Promise<StoredImage> {
    return withPullLease(this.#options.client, async (lease) => {
      const parts = { ...this.#options, content: this.#content, unpacker: this.#unpacker };
      const pulled = await pullImage(parts, reference, options, lease, onProgress);
      return this.#named(reference, pulled, onProgress);
    });
  }

  /** Gives what was pulled its name. */
  async #named(
    reference: ImageReference,
    { target, image }: PulledImage,
    onProgress: (message: PullProgress) => void,
  ): Promise<StoredImage> {
    const name = formatReference(reference);
    const changed = await this.#setName(name, target);
    const what = changed ? 'Downloaded newer image for' : 'Image is up to date for';
    onProgress({ status: `Status: ${what} ${formatFamiliar(reference)}` });
    const record = { name, target, createdAt: new Date() };
    const entries = await this.#catalog.entries();
    const entry = entries.find(({ id }) => id === image.id);
    return this.#catalog.stored(
      entry ?? { id: image.id, documents: image, records: [record] },
      record,
    );
  }

  /**
   * Whether containerd can be asked for the whole pull: it is our own, whose progress and errors are as docker's, and the
   * registry needs none of engined's settings.
   */
  async #pullsByItself(reference: ImageReference): Promise<boolean> {
    const { client, registry } = this.#options;
    this.#transferPeer ??= Promise.all([isLite(client), hasTransfer(client)]).then((answers) =>
      answers.every(Boolean),
    );
    this.#transferPeer.catch(() => (this.#transferPeer = undefined)); // asked again next time
    return registry.usesDefaults(reference) && (await this.#transferPeer);
  }

  async tag(reference: string, name: string): Promise<StoredImage> {
    const { record } = await this.#catalog.find(reference);
    const parsed = parseReference(name);
    if (parsed.digest !== undefined) {
      throw new StackError('invalid_argument', 'refusing to create a tag with a digest reference');
    }
    const full = withDefaultTag(parsed);
    await this.#setName(formatReference(full), record.target);
    return this.get(formatReference(full));
  }

  async history(reference: string): Promise<HistoryItem[]> {
    const { client, snapshotter } = this.#options;
    const { entry, record } = await this.#catalog.find(reference);
    const { repoTags } = await this.#catalog.stored(entry, record);
    return historyOf(client, snapshotter, entry.documents, repoTags);
  }

  push(
    text: string,
    options: Omit<PullOptions, 'platform'>,
    onProgress: (message: PushMessage) => void,
  ): Promise<void> {
    const parts = {
      ...this.#options,
      catalog: this.#catalog,
      content: this.#content,
      documents: this.#documents,
    };
    return pushStoredImage(parts, text, options, onProgress);
  }

  async commit(baseId: string, { reference, ...request }: CommitOptions): Promise<Digest> {
    const { client, snapshotter } = this.#options;
    const name = reference === undefined ? undefined : withDefaultTag(parseReference(reference));
    const { entry } = await this.#catalog.find(baseId);
    return withPullLease(client, async (lease) => {
      const { target, image } = await commitImage(
        client,
        this.#content,
        this.#unpacker,
        { ...request, base: entry.documents, snapshotter },
        lease,
      );
      if (name) await this.#setName(formatReference(name), target);
      else await nameDangling(client.images, target);
      return image.id;
    });
  }

  async save(references: readonly string[]): Promise<AsyncIterable<Buffer>> {
    await this.#requireTransfer('saving images');
    return archiveOf(this.#options.client, this.#catalog, references);
  }

  async load(archive: AsyncIterable<Buffer>): Promise<LoadedImage[]> {
    const { client, snapshotter } = this.#options;
    await this.#requireTransfer('loading images');
    return namesOfLoaded(client, this.#catalog, await loadImages(client, snapshotter, archive));
  }

  async #requireTransfer(what: string): Promise<void> {
    if (await hasTransfer(this.#options.client)) return;
    throw new StackError(
      'unimplemented',
      `${what} over a containerd without the transfer service is not implemented by this engine`,
    );
  }

  async prune(
    filters: ImageFilters,
    all: boolean,
  ): Promise<{ removed: RemovedImage[]; bytes: number }> {
    const removed: RemovedImage[] = [];
    let bytes = 0;
    for (const image of await this.list(filters)) {
      const isNamed = image.RepoTags.some((tag) => tag !== '<none>:<none>');
      if ((isNamed && !all) || image.Containers > 0) continue;
      try {
        removed.push(...(await this.remove(image.Id, { force: true })));
        bytes += image.Size;
      } catch (error) {
        if (!isStackError(error, 'conflict') && !isStackError(error, 'not_found')) throw error;
      }
    }
    return { removed, bytes };
  }

  async ensureUnpacked({ target, chainId, config }: StoredImage): Promise<Digest | ''> {
    if (chainId === '' || (await this.#unpacker.has(chainId))) return chainId;
    await withPullLease(this.#options.client, async (lease) => {
      const image = await this.#documents.read(target, config);
      await this.#unpacker.unpack(image, lease);
    });
    return chainId;
  }

  import(name: string, blobs: readonly ImageBlob[]): Promise<StoredImage> {
    const last = blobs.at(-1);
    if (!last || !isManifestType(last.descriptor.mediaType)) {
      throw new StackError('invalid_argument', 'the last blob of an image must be its manifest');
    }
    const { descriptor } = last;
    return withPullLease(this.#options.client, async (lease) => {
      const manifest = parseManifest(parseDocument(last.content, descriptor.digest));
      for (const blob of blobs) {
        const labels = blob === last ? manifestLabels(manifest) : {};
        await this.#content.storeDocument(blob.descriptor, blob.content, labels, lease);
      }
      const image = await this.#documents.read(descriptor, hostPlatform());
      await this.#unpacker.unpack(image, lease);
      await this.#setName(formatReference(withDefaultTag(parseReference(name))), descriptor);
      return this.get(name);
    });
  }

  /** Lets `name` point to `target`. Returns whether it did not before; what it pointed to then becomes dangling. */
  #setName(name: string, target: Descriptor): Promise<boolean> {
    const { images } = this.#options.client;
    const { mediaType, digest, size } = target;
    const image = { name, target: { mediaType, digest, size } };
    return this.#names.run(async () => {
      const records = await this.#catalog.records();
      const old = records.find((record) => record.name === name);
      if (old?.target.digest === digest) return false;
      if (old) {
        const others = records.filter((record) => record.target.digest === old.target.digest);
        if (others.length === 1) await nameDangling(images, old.target);
        await images.update({ image, updateMask: { paths: ['target'] } });
      } else {
        await images.create({ image });
      }
      if (records.some((record) => record.name === danglingName(digest))) {
        await images.delete({ name: danglingName(digest) });
      }
      return true;
    });
  }
}
