/** Images over any containerd: its content store, snapshots and image names. */
import { hostPlatform } from '#lib/registry/platform';
import type { Digest } from '#spec/digest';
import { StackError } from '#spec/errors';
import { isManifestType, parseManifest, type Platform } from '#spec/oci/image';
import { manifestLabels, parseDocument } from '#spec/oci/image-tree';
import { formatFamiliar, formatReference, parseReference, withDefaultTag } from '#spec/reference';
import type { ImageInspect, ImageSummary, RemovedImage } from './api-types.ts';
import { commitImage } from './commit-image.ts';
import type { ImageFilters } from './filters.ts';
import { publishImageEvent, publishImagesEvent } from './image-events.ts';
import { historyOf, type HistoryItem } from './image-history.ts';
import { createImageParts, type ImageParts, type ImageServiceOptions } from './image-parts.ts';
import type {
  CommitOptions,
  ImageBlob,
  ImageService,
  ImportOptions,
  InspectOptions,
  ListOptions,
  LoadOptions,
  LoadMessage,
  PullOptions,
  PullProgress,
  PushOptions,
  RemoveOptions,
  RunnableImage,
  StoredImage,
} from './image-service.ts';
import { inspectOf } from './image-summaries.ts';
import { importRoot } from './import-root.ts';
import { withPullLease } from './lease.ts';
import { listImages } from './list-images.ts';
import { loadArchive } from './load-archive.ts';
import { locateImage } from './locate-image.ts';
import { manifestSummaries } from './manifest-summaries.ts';
import { pruneImages, type PrunedImages } from './prune-images.ts';
import { pullAllTags, pullReference } from './pull-reference.ts';
import type { PushMessage } from './push-progress.ts';
import { pushAllTags, pushStoredImage } from './push-stored-image.ts';
import { nameDangling } from './remove-image.ts';
import { removeImage } from './remove-reference.ts';
import { saveImages } from './save-images.ts';

export class ContainerdImageService implements ImageService {
  readonly #parts: ImageParts;

  constructor(options: ImageServiceOptions) {
    this.#parts = createImageParts(options);
  }

  async get(reference: string, platform?: Platform): Promise<RunnableImage> {
    const { documents, record } = await locateImage(this.#parts.catalog, reference, platform);
    const { id, config, chainId } = documents;
    return { name: record.name, id, target: record.target, config, chainId };
  }

  list(filters: ImageFilters, options: ListOptions = {}): Promise<ImageSummary[]> {
    return listImages(this.#parts, filters, options);
  }

  async inspect(
    reference: string,
    { platform, manifests = false }: InspectOptions = {},
  ): Promise<ImageInspect> {
    const { catalog, snapshotter } = this.#parts;
    const { entry, record } = await catalog.find(reference, platform);
    const image = await catalog.stored(entry, record);
    return {
      ...inspectOf(image, snapshotter, record.createdAt),
      ...(manifests && { Manifests: await manifestSummaries(this.#parts, record.target) }),
    };
  }

  remove(reference: string, options: RemoveOptions): Promise<RemovedImage[]> {
    return removeImage(this.#parts, reference, options);
  }

  async pull(
    text: string,
    options: PullOptions,
    onProgress: (message: PullProgress) => void,
  ): Promise<StoredImage> {
    return pullReference(this.#parts, withDefaultTag(parseReference(text)), options, onProgress);
  }

  pullAll(
    repository: string,
    options: PullOptions,
    onProgress: (message: PullProgress) => void,
  ): Promise<void> {
    return pullAllTags(this.#parts, parseReference(repository), options, onProgress);
  }

  async tag(reference: string, name: string): Promise<void> {
    const { catalog, names } = this.#parts;
    const parsed = parseReference(name);
    if (parsed.digest !== undefined) {
      throw new StackError('invalid_argument', 'refusing to create a tag with a digest reference');
    }
    if (parsed.path === 'library/sha256') {
      throw new StackError(
        'invalid_argument',
        'refusing to create an ambiguous tag using digest algorithm as name',
      );
    }
    const { record } = await locateImage(catalog, reference);
    const full = withDefaultTag(parsed);
    await names.set(formatReference(full), record.target);
    const image = await this.get(formatReference(full));
    publishImageEvent(this.#parts, 'tag', image.id, image, formatFamiliar(full));
  }

  async history(reference: string, platform?: Platform): Promise<HistoryItem[]> {
    const { catalog, client, snapshotter } = this.#parts;
    const { entry, record } = await catalog.find(reference, platform);
    const { repoTags } = await catalog.stored(entry, record);
    return historyOf(client, snapshotter, entry.documents, repoTags);
  }

  push(
    text: string,
    options: PushOptions,
    onProgress: (message: PushMessage) => void,
  ): Promise<void> {
    return pushStoredImage(this.#parts, withDefaultTag(parseReference(text)), options, onProgress);
  }

  pushAll(
    repository: string,
    options: PushOptions,
    onProgress: (message: PushMessage) => void,
  ): Promise<void> {
    return pushAllTags(this.#parts, parseReference(repository), options, onProgress);
  }

  async commit(baseId: string, { reference, ...request }: CommitOptions): Promise<Digest> {
    const { catalog, client, content, unpacker, names, snapshotter } = this.#parts;
    const name = reference === undefined ? undefined : withDefaultTag(parseReference(reference));
    const { documents: base } = await locateImage(catalog, baseId);
    return withPullLease(client, async (lease) => {
      const asked = { ...request, base, snapshotter };
      const { target, image } = await commitImage(client, content, unpacker, asked, lease);
      if (name) await names.set(formatReference(name), target);
      else await nameDangling(client.images, target);
      if (name) publishImageEvent(this.#parts, 'tag', image.id, image, formatFamiliar(name));
      return image.id;
    });
  }

  async save(references: readonly string[], platform?: Platform): Promise<AsyncIterable<Buffer>> {
    const archive = await saveImages(this.#parts, references, platform);
    await publishImagesEvent(this.#parts, 'save', references);
    return archive;
  }

  load(
    archive: AsyncIterable<Buffer>,
    options: LoadOptions,
    onMessage: (message: LoadMessage) => void,
  ): Promise<void> {
    return loadArchive(this.#parts, archive, options, onMessage);
  }

  importRoot(archive: AsyncIterable<Buffer>, options: ImportOptions): Promise<Digest> {
    return importRoot(this.#parts, archive, options);
  }

  prune(filters: ImageFilters, all: boolean): Promise<PrunedImages> {
    return pruneImages(this.#parts, filters, all);
  }

  async ensureUnpacked({ target, chainId, config }: RunnableImage): Promise<Digest | ''> {
    const { client, documents, unpacker } = this.#parts;
    if (chainId === '' || (await unpacker.has(chainId))) return chainId;
    await withPullLease(client, async (lease) => {
      const image = await documents.read(target, config);
      await unpacker.unpack(image, lease);
    });
    return chainId;
  }

  import(name: string, blobs: readonly ImageBlob[]): Promise<RunnableImage> {
    const last = blobs.at(-1);
    if (!last || !isManifestType(last.descriptor.mediaType)) {
      throw new StackError('invalid_argument', 'the last blob of an image must be its manifest');
    }
    const { client, content, documents, unpacker, names } = this.#parts;
    const { descriptor } = last;
    return withPullLease(client, async (lease) => {
      const manifest = parseManifest(parseDocument(last.content, descriptor.digest));
      for (const blob of blobs) {
        const labels = blob === last ? manifestLabels(manifest) : {};
        await content.storeDocument(blob.descriptor, blob.content, labels, lease);
      }
      const image = await documents.read(descriptor, hostPlatform());
      await unpacker.unpack(image, lease);
      await names.set(formatReference(withDefaultTag(parseReference(name))), descriptor);
      return this.get(name);
    });
  }
}
