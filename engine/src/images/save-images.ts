/** `docker save`: which images an archive is to hold, and what of them. */
import { writeArchive, type NamedImage } from '#lib/image-archive/write-archive';
import { formatPlatform, hostPlatform, platformMatches } from '#lib/registry/platform';
import { isStackError, StackError } from '#spec/errors';
import { isIndexType, isManifestType, type Descriptor, type Platform } from '#spec/oci/image';
import { nodeOf } from '#spec/oci/image-tree';
import { parseReference, type ImageReference } from '#spec/reference';
import type { Found, ImageRecord } from './image-catalog.ts';
import { isDangling, referenceOfName } from './image-names.ts';
import type { ImageParts } from './image-parts.ts';

/** The archive. Throws not_found before its first piece. */
export async function saveImages(
  parts: ImageParts,
  references: readonly string[],
  platform: Platform | undefined,
): Promise<AsyncIterable<Buffer>> {
  const images: NamedImage[] = [];
  const blobs = new Map<string, Descriptor>();
  for (const reference of references) {
    for (const meant of await meantBy(parts, reference)) {
      const image = await imageOf(parts, meant, platform);
      if (images.some(({ name, target }) => isSame(image, name, target))) continue;
      images.push(image);
      for (const blob of await storedBelow(parts, image.target)) blobs.set(blob.digest, blob);
    }
  }
  if (images.length === 0) throw new StackError('invalid_argument', 'no image to save was named');
  const { client, content } = parts;
  return writeArchive(
    { images, blobs: [...blobs.values()], dockerManifest: true },
    {
      read: (digest) => content.read(digest),
      async *blob({ digest }) {
        for await (const { data } of client.content.read({ digest })) yield data;
      },
    },
  );
}

interface Meant {
  record: ImageRecord;
  /** Undefined for an id: no name goes along. */
  name: string | undefined;
  /** What an id means of an index. */
  manifest: string | undefined;
}

function isSame(image: NamedImage, name: string | undefined, target: Descriptor): boolean {
  return image.name === name && image.target.digest === target.digest;
}

/** A name without a tag means all tags of the repository, as with docker. Throws not_found. */
async function meantBy({ catalog }: ImageParts, text: string): Promise<Meant[]> {
  const repository = repositoryIn(text);
  const tagged = repository ? await recordsOf(catalog, repository) : [];
  if (tagged.length > 0) {
    return tagged.map((record) => ({ record, name: record.name, manifest: undefined }));
  }
  let found: Found;
  try {
    found = await catalog.find(text);
  } catch (error) {
    if (!isStackError(error, 'not_found')) throw error;
    throw new StackError('not_found', 'reference does not exist', { cause: error });
  }
  const { record, by, entry } = found;
  const isTag = by === 'name' && referenceOfName(record.name)?.tag !== undefined;
  const manifest = by === 'id' ? entry.documents.manifestDigest : undefined;
  return [{ record, name: isTag && !isDangling(record.name) ? record.name : undefined, manifest }];
}

/** The repository that a text names without a tag. */
function repositoryIn(text: string): ImageReference | undefined {
  try {
    const reference = parseReference(text);
    return reference.tag === undefined && reference.digest === undefined ? reference : undefined;
  } catch (error) {
    if (isStackError(error, 'invalid_argument')) return undefined; // an id
    throw error;
  }
}

async function recordsOf(
  catalog: ImageParts['catalog'],
  { domain, path }: ImageReference,
): Promise<ImageRecord[]> {
  return (await catalog.records()).filter(({ name }) => {
    const own = referenceOfName(name);
    return own?.domain === domain && own.path === path && own.tag !== undefined;
  });
}

async function imageOf(
  { documents }: ImageParts,
  { record: { target }, name, manifest: id }: Meant,
  platform: Platform | undefined,
): Promise<NamedImage> {
  const stored = await documents.readAll(target, platform ?? hostPlatform());
  const chosen = stored.find(({ manifestDigest, config }) =>
    id === undefined
      ? platform === undefined || platformMatches(platform, config)
      : manifestDigest === id,
  );
  if (!chosen) {
    throw new StackError(
      'not_found',
      `no suitable export target found for platform ${formatPlatform(platform ?? hostPlatform())}`,
    );
  }
  if (!isIndexType(target.mediaType)) return { name, target, manifest: target };
  const { manifests } = await documents.index(target.digest);
  const manifest = manifests.find(({ digest }) => digest === chosen.manifestDigest);
  // One platform goes as what it is, without the index that names the others.
  const alone = platform !== undefined || id !== undefined;
  return { name, target: alone && manifest ? manifest : target, manifest };
}

/** Everything of an image that is here. */
async function storedBelow({ content }: ImageParts, target: Descriptor): Promise<Descriptor[]> {
  const blobs: Descriptor[] = [];
  const visit = async (blob: Descriptor): Promise<void> => {
    const isDocument = isIndexType(blob.mediaType) || isManifestType(blob.mediaType);
    if (!(await content.has(blob.digest))) return;
    blobs.push(blob);
    if (!isDocument) return;
    for (const child of nodeOf(blob, await content.read(blob.digest)).children) await visit(child);
  };
  await visit(target);
  return blobs;
}
