/** Pulls an image: documents first, then layers in parallel, each unpacked while it arrives; its names come last. */
import type { FetchedDocument } from '#lib/registry/registry-client';
import type { ImageStore } from '#proto/generated/containerd.types.transfer';
import { StackError } from '#spec/errors';
import {
  isIndexType,
  isManifestType,
  parseManifest,
  type Descriptor,
  type Platform,
} from '#spec/oci/image';
import { Blobs } from './blobs.ts';
import { diffIdsOf } from './config.ts';
import { namesOf, storeNames } from './image-store.ts';
import { nodeOf, parseDocument, refOf, sourceOf } from '#spec/oci/image-tree';
import { LayerDownloads } from './layer-downloads.ts';
import { isWanted, platformOf, selectWanted } from './platforms.ts';
import type { RegistryAccess } from './remote-registry.ts';
import type { Session, TransferParts } from './session.ts';
import { snapshotStoreOf, type UnpackedImage, type Unpacker } from './unpacker.ts';

export class Pull {
  readonly #parts: TransferParts;
  readonly #session: Session;
  readonly #registry: RegistryAccess;
  readonly #store: ImageStore;
  readonly #platforms: readonly Platform[];
  readonly #blobs: Blobs;
  readonly #downloads: LayerDownloads;
  #unpacked: Promise<void> = Promise.resolve();

  constructor(
    parts: TransferParts,
    session: Session,
    registry: RegistryAccess,
    store: ImageStore,
    inFlight: Map<string, Promise<void>>,
  ) {
    const { repository } = registry;
    this.#parts = parts;
    this.#session = session;
    this.#registry = registry;
    this.#store = store;
    this.#platforms = store.platforms.map(platformOf);
    this.#blobs = new Blobs(parts, session);
    const source = sourceOf(registry.reference);
    this.#downloads = new LayerDownloads(
      { blobs: this.#blobs, session, repository, source },
      inFlight,
    );
  }

  /** Throws what the registry says, data_loss for content that is not what its digest says. */
  async run(unpacker: Unpacker): Promise<void> {
    const { progress } = this.#session;
    const { title, repository, name } = this.#registry;
    progress.line(`Resolving from ${title}`);
    const top = await repository.resolve();
    progress.line(`Pulling from ${title}`);
    progress.line('fetching image content', name, top.descriptor);
    const images = await this.#fetchDocuments(top);
    const layers = images.flatMap((image) => image.layers.map(({ download }) => download.stored));
    const unpacked = this.#unpackAll(images, unpacker);
    this.#unpacked = unpacked.catch(() => undefined); // of several failures the download's is told
    await Promise.all(layers);
    await unpacked;
    storeNames(
      this.#parts,
      this.#session,
      this.#store,
      top.descriptor,
      namesOf(this.#store, top.descriptor),
    );
    progress.line(`Completed pull from ${title}`);
  }

  /** Resolves when nothing that the pull has started goes on, whether it succeeded or not. */
  async ended(): Promise<void> {
    await this.#downloads.ended();
    await this.#unpacked;
  }

  /** Stores index, manifests and configs, and starts the download of the layers. */
  async #fetchDocuments(top: FetchedDocument): Promise<UnpackedImage[]> {
    const { descriptor, content } = top;
    if (!isIndexType(descriptor.mediaType))
      return [await this.#startImage(descriptor, content, [])];
    const { children } = await this.#storeDocument(descriptor, content, []);
    const wanted = selectWanted(children, this.#platforms, this.#store.manifestLimit);
    if (wanted.length === 0) {
      throw new StackError('not_found', `no match for platform in manifest ${descriptor.digest}`);
    }
    const images: UnpackedImage[] = [];
    const parents = [refOf(descriptor)];
    for (const child of wanted) {
      if (!isManifestType(child.mediaType)) continue; // no index within an index, as with docker
      images.push(await this.#startImage(child, await this.#fetch(child), parents));
    }
    if (this.#store.allMetadata) {
      for (const child of children.filter((other) => !wanted.includes(other))) {
        await this.#storeManifest(child, await this.#fetch(child), parents);
      }
    }
    return images;
  }

  async #startImage(manifest: Descriptor, content: Buffer, parents: readonly string[]) {
    const { layers, config, configContent } = await this.#storeManifest(manifest, content, parents);
    const children = [refOf(manifest)];
    return {
      manifest,
      config,
      diffIds: diffIdsOf(config, configContent, layers.length),
      layers: layers.map((descriptor) => ({
        descriptor,
        download: this.#downloads.start(descriptor, children),
      })),
    };
  }

  /** Stores a manifest and its config. */
  async #storeManifest(descriptor: Descriptor, content: Buffer, parents: readonly string[]) {
    const { config, layers } = parseManifest(parseDocument(content, descriptor.digest));
    const configContent = await this.#fetch(config);
    await this.#storeDocument(config, configContent, [refOf(descriptor)]);
    await this.#storeDocument(descriptor, content, parents);
    return { config, layers, configContent };
  }

  /** A document, from the store if it is there. */
  async #fetch(descriptor: Descriptor): Promise<Buffer> {
    const { digest, mediaType } = descriptor;
    if (this.#blobs.keep(digest, {})) return this.#blobs.read(digest);
    const { repository } = this.#registry;
    if (!isManifestType(mediaType) && !isIndexType(mediaType))
      return repository.document(descriptor);
    return (await repository.manifest(digest)).content;
  }

  async #storeDocument(descriptor: Descriptor, content: Buffer, parents: readonly string[]) {
    const node = nodeOf(descriptor, content);
    const { progress } = this.#session;
    const source = sourceOf(this.#registry.reference);
    if (this.#blobs.keep(descriptor.digest, node.labels, source)) {
      progress.blob('already exists', descriptor, parents);
      return node;
    }
    progress.blob('waiting', descriptor, parents, 0);
    await this.#blobs.store(descriptor, content, {
      ...node.labels,
      [source.label]: source.repository,
    });
    progress.blob('complete', descriptor, parents);
    return node;
  }

  async #unpackAll(images: readonly UnpackedImage[], unpacker: Unpacker): Promise<void> {
    for (const { platform, snapshotter } of this.#store.unpacks) {
      const wanted = platform ? [platformOf(platform)] : [];
      const store = snapshotStoreOf(this.#parts.snapshots, snapshotter);
      for (const image of images.filter(({ manifest }) => isWanted(wanted, manifest))) {
        await unpacker.unpack(image, store, this.#session, this.#blobs);
      }
    }
  }
}
