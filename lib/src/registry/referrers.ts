/**
 * Manifests that refer to another one (`subject`: signatures, attestations) are found through the registry's referrers
 * API. For a registry without it, whoever pushes keeps the list: an index under the tag `sha256-<hex>` of what is
 * referred to. Distribution spec, "Pushing Manifests with Subject" and "Referrers Tag Schema".
 */
import { isStackError, StackError } from '#spec/errors';
import {
  isIndexType,
  mediaTypes,
  parseIndex,
  parseManifest,
  type Descriptor,
  type Index,
} from '#spec/oci/image';
import type { HttpResponse } from './http-client.ts';
import type { RemoteRepository } from './registry-client.ts';
import { withRetries } from './retry.ts';

/** A manifest or index that the registry has. */
export interface StoredDocument {
  descriptor: Descriptor;
  content: Buffer;
}

/**
 * Makes sure that the registry lists `stored` where it refers to something. `answer` is that to the push; undefined where
 * the registry had it already. Throws conflict where something else has the list's tag.
 */
export async function listReferrer(
  repository: RemoteRepository,
  stored: StoredDocument,
  answer: HttpResponse | undefined,
): Promise<void> {
  const { subject, entry } = describeReferrer(stored);
  if (!subject) return;
  const isListed = answer
    ? answer.header('oci-subject') !== undefined
    : await hasReferrersApi(repository, subject.digest);
  if (!isListed) await addToTag(repository, tagOf(subject.digest), entry);
}

/** `sha256-<hex>`, cut to what a tag may be. */
function tagOf(digest: string): string {
  const [algorithm = '', encoded = ''] = digest.split(':');
  return `${algorithm.slice(0, 32)}-${encoded.slice(0, 64)}`;
}

function describeReferrer({ descriptor, content }: StoredDocument) {
  const { mediaType, digest, size } = descriptor;
  const document: unknown = JSON.parse(content.toString('utf8'));
  const isIndex = isIndexType(mediaType);
  const { subject, artifactType, annotations } = isIndex
    ? parseIndex(document)
    : parseManifest(document);
  const type = artifactType ?? (isIndex ? undefined : parseManifest(document).config.mediaType);
  const entry: Descriptor = {
    ...{ mediaType, digest, size },
    ...(type !== undefined && { artifactType: type }),
    ...(annotations && { annotations }),
  };
  return { subject, entry };
}

async function hasReferrersApi(
  { session, retries }: RemoteRepository,
  digest: string,
): Promise<boolean> {
  const ask = () => session.request(`referrers/${digest}`, { capability: 'pull' });
  try {
    // Whatever it lists: of what it has stored, a registry with the API knows the subjects.
    for await (const _ of (await withRetries(retries, ask, session.signal)).stream());
    return true;
  } catch (error) {
    if (isStackError(error, 'not_found')) return false;
    throw error;
  }
}

async function addToTag(
  repository: RemoteRepository,
  tag: string,
  entry: Descriptor,
): Promise<void> {
  const { session, retries } = repository;
  const known = await repository.manifest(tag).catch((error: unknown) => {
    if (isStackError(error, 'not_found')) return undefined;
    throw error;
  });
  if (known && !isIndexType(known.descriptor.mediaType)) {
    throw new StackError('conflict', `tag "${tag}" is to list referrers, but it is no index`);
  }
  const before: unknown = known && JSON.parse(known.content.toString('utf8'));
  const { manifests } = before === undefined ? { manifests: [] } : parseIndex(before);
  if (manifests.some(({ digest }) => digest === entry.digest)) return;
  const index: Index = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [...manifests, entry],
  };
  const content = Buffer.from(JSON.stringify(index));
  const put = () =>
    session.request(`manifests/${tag}`, {
      method: 'PUT',
      capability: 'push',
      headers: { 'content-type': mediaTypes.ociIndex },
      body: {
        sizeBytes: content.length,
        async *read() {
          yield await Promise.resolve(content);
        },
      },
    });
  await withRetries(retries, put, session.signal);
}
