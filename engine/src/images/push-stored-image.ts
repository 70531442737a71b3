/** Sends an image of containerd's store to its registry. */
import { formatPlatform, hostPlatform, platformMatches } from '#lib/registry/platform';
import { pushImage } from '#lib/registry/push-image';
import { StackError } from '#spec/errors';
import { isIndexType, isManifestType, type Descriptor, type Platform } from '#spec/oci/image';
import {
  familiarName,
  formatFamiliar,
  formatReference,
  parseReference,
  type ImageReference,
} from '#spec/reference';
import { contentSource } from './content-source.ts';
import type { DocumentReader } from './documents.ts';
import type { ImageRecord } from './image-catalog.ts';
import type { ImageContent } from './image-content.ts';
import { publishReferenceEvent } from './image-events.ts';
import { referenceOfName } from './image-names.ts';
import type { ImageParts } from './image-parts.ts';
import type { PushOptions } from './image-service.ts';
import { pushReporter, type PushMessage } from './push-progress.ts';

/**
 * Pushes what a reference with a tag names here, of an index what is stored or the one platform. Throws not_found, and what
 * the registry says.
 */
export async function pushStoredImage(
  parts: ImageParts,
  reference: ImageReference,
  options: PushOptions,
  onProgress: (message: PushMessage) => void,
): Promise<void> {
  if (reference.digest !== undefined) {
    throw new StackError('invalid_argument', 'cannot push a digest reference');
  }
  if (options.platform) await parts.catalog.find(formatReference(reference), options.platform);
  onProgress({ status: `The push refers to repository [${repositoryName(reference)}]` });
  const records = await recordsOf(parts, reference);
  const name = formatReference(reference);
  const record = records.find((candidate) => candidate.name === name);
  if (!record) {
    throw new StackError('not_found', `tag does not exist: ${formatFamiliar(reference)}`);
  }
  await pushRecord(parts, reference, record, options, onProgress);
  await publishReferenceEvent(parts, 'push', reference);
}

/** Pushes every tag that a repository has here. Throws as {@link pushStoredImage}. */
export async function pushAllTags(
  parts: ImageParts,
  repository: ImageReference,
  options: PushOptions,
  onProgress: (message: PushMessage) => void,
): Promise<void> {
  if (repository.tag !== undefined || repository.digest !== undefined) {
    await pushStoredImage(parts, repository, options, onProgress);
    return;
  }
  onProgress({ status: `The push refers to repository [${repositoryName(repository)}]` });
  for (const record of await recordsOf(parts, repository)) {
    await pushRecord(parts, parseReference(record.name), record, options, onProgress);
  }
  await publishReferenceEvent(parts, 'push', repository);
}

function repositoryName({ domain, path }: ImageReference): string {
  return `${domain}/${path}`;
}

/** The tags that a repository has here. Throws not_found where there is none. */
async function recordsOf(
  { catalog }: ImageParts,
  { domain, path }: ImageReference,
): Promise<ImageRecord[]> {
  const records = (await catalog.records()).filter(({ name }) => {
    const own = referenceOfName(name);
    return own?.domain === domain && own.path === path && own.tag !== undefined;
  });
  if (records.length > 0) return records;
  const shown = familiarName({ domain, path });
  throw new StackError('not_found', `An image does not exist locally with the tag: ${shown}`);
}

async function pushRecord(
  parts: ImageParts,
  reference: ImageReference,
  record: ImageRecord,
  { credentials, signal, platform }: PushOptions,
  onProgress: (message: PushMessage) => void,
): Promise<void> {
  const { registry, client, content, documents } = parts;
  const repository = registry.repository(reference, {
    ...(credentials && { credentials: () => Promise.resolve(credentials) }),
    ...(signal && { signal }),
  });
  const target = platform ? await platformTarget(parts, record, platform) : record.target;
  const stored = await storedManifests(target, documents, content);
  await pushImage(repository, target, contentSource(client, content, reference), {
    onProgress: pushReporter(await diffIdsOf(parts, target), onProgress),
    slots: registry.uploads,
    wants: ({ digest }) => stored === undefined || stored.has(digest),
  });
  const { digest, size } = target;
  const { tag = '' } = reference;
  onProgress({ status: `${tag}: digest: ${digest} size: ${size}` });
  onProgress({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: size } });
}

/** Of all layers that are stored, by the digests of their blobs. */
async function diffIdsOf(
  { documents }: ImageParts,
  target: Descriptor,
): Promise<Map<string, string>> {
  const images = await documents.readAll(target, hostPlatform());
  return new Map(
    images.flatMap(({ manifest, diffIds }) =>
      manifest.layers.map(({ digest }, index) => [digest, diffIds[index] ?? digest]),
    ),
  );
}

/** The manifest of one platform, which goes without the index that names the others. */
async function platformTarget(
  { documents }: ImageParts,
  { target, name }: ImageRecord,
  platform: Platform,
): Promise<Descriptor> {
  if (!isIndexType(target.mediaType)) return target;
  const image = (await documents.readAll(target, platform)).find(({ config }) =>
    platformMatches(platform, config),
  );
  const { manifests } = await documents.index(target.digest);
  const manifest = manifests.find(({ digest }) => digest === image?.manifestDigest);
  if (manifest) return manifest;
  throw new StackError('not_found', `${name} is not stored for ${formatPlatform(platform)}`);
}

/** The manifests of an index that are stored; undefined for what is no index. */
async function storedManifests(
  { mediaType, digest }: Descriptor,
  documents: DocumentReader,
  content: ImageContent,
): Promise<Set<string> | undefined> {
  if (isManifestType(mediaType)) return undefined;
  const stored = new Set<string>();
  for (const manifest of (await documents.index(digest)).manifests) {
    if (await content.has(manifest.digest)) stored.add(manifest.digest);
  }
  return stored;
}
