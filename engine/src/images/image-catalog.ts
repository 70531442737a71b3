/** The images in containerd's store, its names put together by image. */
import type { ContainerdClient } from '#proto/containerd-client';
import { timestampToDate } from '#proto/timestamp';
import {
  formatPlatform,
  hostPlatform,
  platformMatches,
  runnablePlatforms,
} from '#lib/registry/platform';
import { isStackError, StackError } from '#spec/errors';
import type { Descriptor, Platform } from '#spec/oci/image';
import {
  formatFamiliar,
  parseReference,
  withDefaultTag,
  type ImageReference,
} from '#spec/reference';
import type { DocumentReader, ImageDocuments } from './documents.ts';
import {
  isDangling,
  referenceOfName,
  repoDigestsOf,
  repoTagsOf,
  storeName,
} from './image-names.ts';
import type { StoredImage } from './image-service.ts';
import { isTransferName } from './transfer-names.ts';
import type { Unpacker } from './unpack-image.ts';

/** A name and what it points to. */
export interface ImageRecord {
  name: string;
  target: Descriptor;
  createdAt: Date;
}

/** An image with all its names. */
export interface CatalogEntry {
  id: string;
  documents: ImageDocuments;
  /** Names of any kind, dangling ones too. */
  records: ImageRecord[];
}

/** What a user's words meant. */
export interface Found {
  entry: CatalogEntry;
  /** The name that was meant; the first one where the words were an id. */
  record: ImageRecord;
  by: 'name' | 'id';
}

export class ImageCatalog {
  readonly #client: ContainerdClient;
  readonly #documents: DocumentReader;
  readonly #unpacker: Unpacker;

  constructor(client: ContainerdClient, documents: DocumentReader, unpacker: Unpacker) {
    this.#client = client;
    this.#documents = documents;
    this.#unpacker = unpacker;
  }

  /** All, or those that one of `filters` holds of (containerd's filter language). */
  async records(filters: readonly string[] = []): Promise<ImageRecord[]> {
    const { images } = await this.#client.images.list({ filters: [...filters] });
    return images.flatMap(({ name, target, createdAt }) =>
      target && !isTransferName(name)
        ? [{ name, target, createdAt: createdAt ? timestampToDate(createdAt) : new Date(0) }]
        : [],
    );
  }

  /** Every image of which a manifest and a config are stored. */
  async entries(): Promise<CatalogEntry[]> {
    const entries = new Map<string, CatalogEntry>();
    for (const record of await this.records()) {
      const documents = await this.describe(record);
      if (!documents) continue;
      const entry = entries.get(documents.id);
      if (entry) entry.records.push(record);
      else entries.set(documents.id, { id: documents.id, documents, records: [record] });
    }
    return [...entries.values()];
  }

  /**
   * What `text` names: a reference first, then an id or the beginning of one; of several platforms under a name the one
   * that is asked for. Throws as ImageService.get.
   */
  async find(text: string, platform?: Platform): Promise<Found> {
    const found = await this.#find(text);
    return platform ? this.#ofPlatform(found, text, platform) : found;
  }

  /** The ids of all images that the entry's names keep, those of other platforms too. */
  async idsKeptBy({ records }: CatalogEntry): Promise<string[]> {
    const targets = new Map(records.map(({ target }) => [target.digest, target]));
    const images = await Promise.all(
      [...targets.values()].map((target) => this.#documents.readAll(target, hostPlatform())),
    );
    return [...new Set(images.flat().map(({ id }) => id))];
  }

  async #find(text: string): Promise<Found> {
    const entries = await this.entries();
    const id = /^(?:sha256:)?([0-9a-f]{1,64})$/.exec(text)?.[1];
    const reference = id?.length === 64 ? undefined : referenceIn(text, id !== undefined);
    const byName = reference && findByName(entries, reference);
    if (byName) return byName;
    if (id !== undefined) {
      const found = entries.filter((entry) => entry.id.startsWith(`sha256:${id}`));
      const [entry] = found;
      const record = entry?.records.find(({ name }) => !isDangling(name)) ?? entry?.records[0];
      if (entry && record && found.length === 1) return { entry, record, by: 'id' };
      if (found.length === 0) {
        const foreign = await this.#findForeign(entries, `sha256:${id}`);
        if (foreign) return foreign;
      }
    }
    throw new StackError(
      'not_found',
      `No such image: ${reference ? formatFamiliar(withDefaultTag(reference)) : text}`,
    );
  }

  /** The image under one of its names. */
  async stored(
    { documents, records }: CatalogEntry,
    { name, target, createdAt }: ImageRecord,
  ): Promise<StoredImage> {
    const names = records.map((record) => record.name);
    const { created } = documents.config;
    return {
      name,
      id: documents.id,
      target,
      config: documents.config,
      chainId: documents.chainId,
      repoTags: repoTagsOf(names),
      repoDigests: [
        ...new Set(records.flatMap((record) => repoDigestsOf([record.name], record.target.digest))),
      ].sort(),
      sizeBytes: await this.#size(documents),
      createdAt: created === undefined ? createdAt : new Date(created),
    };
  }

  /** By id, an image of another platform beside one that goes by its names. */
  async #findForeign(entries: readonly CatalogEntry[], id: string): Promise<Found | undefined> {
    for (const { records } of entries) {
      for (const record of records) {
        const images = await this.#documents.readAll(record.target, hostPlatform());
        const documents = images.find((image) => image.id.startsWith(id));
        if (documents) {
          return { entry: { id: documents.id, documents, records: [record] }, record, by: 'id' };
        }
      }
    }
    return undefined;
  }

  async #ofPlatform(found: Found, text: string, platform: Platform): Promise<Found> {
    const { entry, record } = found;
    if (runsOn(platform, entry.documents.config)) return found;
    const images =
      found.by === 'name' ? await this.#documents.readAll(record.target, platform) : [];
    const documents = images.find(({ config }) => runsOn(platform, config));
    if (documents) return { ...found, entry: { id: documents.id, documents, records: [record] } };
    throw platformMismatch(text, entry.documents, platform);
  }

  /** What stands behind a name; undefined where that is no image, or not all of one. */
  async describe(record: ImageRecord): Promise<ImageDocuments | undefined> {
    try {
      return await this.#documents.read(record.target, hostPlatform());
    } catch (error) {
      // Content of another kind, or of which only a part is stored: names that other clients have put here.
      if (isStackError(error, 'not_found') || isStackError(error, 'unimplemented'))
        return undefined;
      if (isStackError(error, 'invalid_argument') || isStackError(error, 'data_loss'))
        return undefined;
      throw error;
    }
  }

  /** Manifests and indexes that may stand for an image, as far as they were read before. */
  knownTargetsOf(id: string): string[] {
    return this.#documents.knownTargetsOf(id);
  }

  /** Whether an image is what somebody wants who asks for `platform`. */
  runsOn({ config }: ImageDocuments, platform: Platform): boolean {
    return runsOn(platform, config);
  }

  async #size({ diffIds, manifest }: ImageDocuments): Promise<number> {
    const unpacked = await this.#unpacker.unpackedBytes(diffIds);
    return unpacked ?? manifest.layers.reduce((total, { size }) => total + size, 0);
  }
}

/** In docker's words: the image is there, but for another platform. */
export function platformMismatch(
  text: string,
  { config }: ImageDocuments,
  wanted: Platform,
): StackError {
  return new StackError(
    'not_found',
    `image with reference ${text} was found but its platform (${formatPlatform(config)}) ` +
      `does not match the specified platform (${formatPlatform(wanted)})`,
  );
}

/** Whether `wanted`, or a processor of its kind that runs older programs too, runs the image. */
function runsOn(wanted: Platform, image: Platform): boolean {
  return runnablePlatforms(wanted).some((candidate) => platformMatches(candidate, image));
}

/** Throws invalid_argument for what can be neither a reference nor an id. */
function referenceIn(text: string, isId: boolean): ImageReference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (isId) return undefined;
    throw error;
  }
}

function findByName(
  entries: readonly CatalogEntry[],
  reference: ImageReference,
): Found | undefined {
  const { digest, domain, path } = reference;
  for (const entry of entries) {
    const record = entry.records.find(({ name, target }) => {
      if (digest === undefined) return name === storeName(reference);
      const own = target.digest === digest ? referenceOfName(name) : undefined;
      return own?.domain === domain && own.path === path;
    });
    if (record) return { entry, record, by: 'name' };
  }
  return undefined;
}
