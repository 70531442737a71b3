/** Sends an image of containerd's store to its registry. */
import type { ContainerdClient } from '#proto/containerd-client';
import { pushImage } from '#lib/registry/push-image';
import type { RegistryClient } from '#lib/registry/registry-client';
import { StackError } from '#spec/errors';
import { isManifestType, type Descriptor } from '#spec/oci/image';
import {
  formatFamiliar,
  formatReference,
  parseReference,
  repositoryOf,
  withDefaultTag,
} from '#spec/reference';
import { contentSource } from './content-source.ts';
import type { DocumentReader } from './documents.ts';
import type { ImageCatalog } from './image-catalog.ts';
import type { ImageContent } from './image-content.ts';
import type { PullOptions } from './image-service.ts';
import { pushReporter, type PushMessage } from './push-progress.ts';

export interface PushParts {
  readonly client: ContainerdClient;
  readonly registry: RegistryClient;
  readonly catalog: ImageCatalog;
  readonly content: ImageContent;
  readonly documents: DocumentReader;
}

/** Pushes what `text` names here, of an index what is stored. Throws not_found, and what the registry says. */
export async function pushStoredImage(
  { client, registry, catalog, content, documents }: PushParts,
  text: string,
  { credentials, signal }: Omit<PullOptions, 'platform'>,
  onProgress: (message: PushMessage) => void,
): Promise<void> {
  const reference = withDefaultTag(parseReference(text));
  const name = formatReference(reference);
  const record = (await catalog.records()).find((candidate) => candidate.name === name);
  if (!record) {
    const shown = formatFamiliar(repositoryOf(reference));
    throw new StackError('not_found', `An image does not exist locally with the tag: ${shown}`);
  }
  const { domain, path, tag = '' } = reference;
  onProgress({ status: `The push refers to repository [${domain}/${path}]` });
  const repository = registry.repository(reference, {
    ...(credentials && { credentials: () => Promise.resolve(credentials) }),
    ...(signal && { signal }),
  });
  const stored = await storedManifests(record.target, documents, content);
  await pushImage(repository, record.target, contentSource(client, content, reference), {
    onProgress: pushReporter(onProgress),
    wants: ({ digest }) => stored === undefined || stored.has(digest),
  });
  const { digest, size } = record.target;
  onProgress({ status: `${tag}: digest: ${digest} size: ${size}` });
  onProgress({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: size } });
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
