/** From what an image's name points to, to its manifest and config. */
import { chainIdOf, parseDigest, type Digest } from '#spec/digest';
import { isStackError, StackError } from '#spec/errors';
import {
  isConfigType,
  isIndexType,
  isManifestType,
  parseImageConfig,
  parseIndex,
  parseManifest,
  type Descriptor,
  type ImageConfig,
  type Index,
  type Manifest,
  type Platform,
} from '#spec/oci/image';
import { parseDocument } from '#spec/oci/image-tree';
import { selectManifest } from '#lib/registry/platform';
import type { ImageContent } from './image-content.ts';

/** One platform's image, with the documents that describe it. */
export interface ImageDocuments {
  manifestDigest: Digest;
  manifest: Manifest;
  /** Digest of the config. */
  id: Digest;
  config: ImageConfig;
  /** Of each layer, base first. */
  diffIds: Digest[];
  chainId: Digest | '';
}

/** Reads documents and remembers them: what a digest names never changes. */
export class DocumentReader {
  readonly #content: ImageContent;
  readonly #images = new Map<string, ImageDocuments>();
  readonly #indexes = new Map<string, Index>();

  constructor(content: ImageContent) {
    this.#content = content;
  }

  /**
   * The image that `target`, a manifest or an index, holds for `platform`; if it is not stored, another one that is.
   * Throws not_found if none is.
   */
  async read(target: Descriptor, platform: Platform): Promise<ImageDocuments> {
    if (isManifestType(target.mediaType)) return this.#image(target.digest);
    if (!isIndexType(target.mediaType)) {
      throw new StackError(
        'invalid_argument',
        `unsupported media type "${target.mediaType}" of an image`,
      );
    }
    for (const candidate of byPreference((await this.index(target.digest)).manifests, platform)) {
      const image = await this.#stored(candidate.digest);
      if (image) return image;
    }
    throw new StackError('not_found', `no image of ${target.digest} is stored`);
  }

  /** Every image of `target` that is stored: one for each platform, those that `platform` runs first. */
  async readAll(target: Descriptor, platform: Platform): Promise<ImageDocuments[]> {
    if (!isIndexType(target.mediaType)) return [await this.read(target, platform)];
    const candidates = byPreference((await this.index(target.digest)).manifests, platform);
    const images = await Promise.all(candidates.map(({ digest }) => this.#stored(digest)));
    return images.filter((image) => image !== undefined);
  }

  async index(digest: string): Promise<Index> {
    const known = this.#indexes.get(digest);
    if (known) return known;
    const index = parseIndex(parseDocument(await this.#content.read(digest), digest));
    this.#indexes.set(digest, index);
    return index;
  }

  /** Digests of the manifests and indexes that were read and may stand for the image `id`. */
  knownTargetsOf(id: string): string[] {
    const manifests = [...this.#images].filter(([, image]) => image.id === id).map(([key]) => key);
    const indexes = [...this.#indexes].filter(([, index]) =>
      index.manifests.some(({ digest }) => manifests.includes(digest)),
    );
    return [...manifests, ...indexes.map(([digest]) => digest)];
  }

  /** A name keeps its index, and the index only those platforms that were stored. */
  async #stored(digest: string): Promise<ImageDocuments | undefined> {
    if (this.#images.has(digest) && !(await this.#content.has(digest))) {
      this.#images.delete(digest);
      return undefined;
    }
    try {
      return await this.#image(digest);
    } catch (error) {
      if (isStackError(error, 'not_found')) return undefined;
      throw error;
    }
  }

  async #image(digest: string): Promise<ImageDocuments> {
    const known = this.#images.get(digest);
    if (known) return known;
    const manifest = parseManifest(parseDocument(await this.#content.read(digest), digest));
    const config = await this.#content.read(manifest.config.digest);
    const documents = describeImage(parseDigest(digest), manifest, config);
    this.#images.set(digest, documents);
    return documents;
  }
}

/** Puts manifest and config together. Throws data_loss if they contradict each other, unimplemented for what is no image. */
export function describeImage(
  manifestDigest: Digest,
  manifest: Manifest,
  configContent: Buffer,
): ImageDocuments {
  if (!isConfigType(manifest.config.mediaType)) {
    const message = `unsupported media type ${manifest.config.mediaType}: it is no container image`;
    throw new StackError('unimplemented', message);
  }
  const config = parseImageConfig(parseDocument(configContent, manifest.config.digest));
  const diffIds = config.rootfs.diff_ids.map(parseDigest);
  if (diffIds.length !== manifest.layers.length) {
    throw new StackError(
      'data_loss',
      `image config ${manifest.config.digest} names ${diffIds.length} layers, its manifest ${manifest.layers.length}`,
    );
  }
  return {
    manifestDigest,
    manifest,
    id: parseDigest(manifest.config.digest),
    config,
    diffIds,
    chainId: chainIdOf(diffIds) ?? '',
  };
}

function byPreference(manifests: readonly Descriptor[], platform: Platform): Descriptor[] {
  const images = manifests.filter(({ mediaType }) => isManifestType(mediaType));
  try {
    const best = selectManifest(images, platform);
    return [best, ...images.filter((other) => other !== best)];
  } catch (error) {
    if (!isStackError(error, 'not_found')) throw error;
    return images;
  }
}
