/** What the images of an archive are, once its blobs are stored. */
import { StackError } from '#spec/errors';
import { isIndexType, isManifestType, mediaTypes, type Descriptor } from '#spec/oci/image';
import { nodeOf } from '#spec/oci/image-tree';
import type { ArchiveStore } from './archive-store.ts';
import { indexOfDockerArchive } from './docker-archive.ts';
import type { Archive } from './read-archive.ts';

/** The archive's own index, or one made for it. Throws invalid_argument for what is no archive of images. */
export async function indexOf(archive: Archive, store: ArchiveStore): Promise<Descriptor> {
  if (archive.ociLayout !== undefined) {
    const index = archive.blobs.get('index.json');
    if (!index) throw new StackError('invalid_argument', 'missing index.json in OCI layout');
    return { mediaType: mediaTypes.ociIndex, ...index };
  }
  if (archive.dockerManifest === undefined) {
    throw new StackError('invalid_argument', 'unrecognized image format');
  }
  return indexOfDockerArchive(archive, store);
}

/**
 * Labels documents so that each keeps what it names. Returns what the index names, and all manifests that are there. Throws
 * not_found if none is wanted, invalid_argument for content that is missing.
 */
export async function labelTree(
  index: Descriptor,
  select: (children: readonly Descriptor[]) => readonly Descriptor[],
  store: ArchiveStore,
): Promise<{ top: Descriptor[]; manifests: Descriptor[] }> {
  const manifests: Descriptor[] = [];
  const label = async (document: Descriptor): Promise<Descriptor[]> => {
    const { children, labels } = nodeOf(document, await store.read(document.digest));
    await store.keep(document.digest, labels);
    if (isManifestType(document.mediaType)) {
      manifests.push(document);
      for (const { digest } of children) {
        if (!(await store.keep(digest, {}))) {
          throw new StackError(
            'invalid_argument',
            `${digest}, which ${document.digest} names, is missing`,
          );
        }
      }
      return [];
    }
    const present: Descriptor[] = [];
    for (const child of select(children)) {
      // An archive of one platform has the whole index all the same.
      if (await store.keep(child.digest, {})) present.push(child);
    }
    for (const child of present) {
      if (isIndexType(child.mediaType) || isManifestType(child.mediaType)) await label(child);
    }
    return present;
  };
  const top = await label(index);
  if (manifests.length === 0)
    throw new StackError('not_found', 'the archive has no image for the platform');
  return { top, manifests };
}
