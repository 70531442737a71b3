/** Imports the images of an archive that a client sends: stores, labels, unpacks and names them. */
import { decompress } from '#lib/unpack/decompress';
import type { ImageImportStream, ImageStore } from '#proto/generated/containerd.types.transfer';
import { StackError } from '#spec/errors';
import {
  isIndexType,
  isManifestType,
  mediaTypes,
  parseManifest,
  type Descriptor,
} from '#spec/oci/image';
import { receiveBytes } from '../streaming/byte-stream.ts';
import { readArchive } from './archive-reader.ts';
import { Blobs } from './blobs.ts';
import { diffIdsOf } from './config.ts';
import { indexOfDockerArchive } from './docker-archive.ts';
import { annotatedNamesOf, namesOf, storeNames } from './image-store.ts';
import { nodeOf, parseDocument } from '#spec/oci/image-tree';
import { isWanted, platformOf, selectWanted } from './platforms.ts';
import type { Session, TransferParts } from './session.ts';
import { snapshotStoreOf, type Unpacker } from './unpacker.ts';

/** Throws invalid_argument for what is no archive of images, not_found if none of its images is wanted. */
export async function importArchive(
  parts: TransferParts,
  session: Session,
  source: ImageImportStream,
  store: ImageStore,
  unpacker: Unpacker,
): Promise<void> {
  if (source.forceCompress) {
    throw new StackError('unimplemented', 'compressing layers of an archive: not implemented');
  }
  const { namespace, progress, signal } = session;
  const blobs = new Blobs(parts, session);
  progress.line('Importing');
  const bytes = receiveBytes(parts.streams.get(namespace, source.stream));
  const archive = await readArchive(
    source.mediaType === '' ? decompress(bytes) : bytes,
    blobs,
    signal,
  );
  const index = await indexOf(archive, blobs);
  const images = await labelTree(index, store, blobs);
  for (const { platform, snapshotter } of store.unpacks) {
    const wanted = platform ? [platformOf(platform)] : [];
    const snapshots = snapshotStoreOf(parts.snapshots, snapshotter);
    for (const manifest of images.manifests.filter((image) => isWanted(wanted, image))) {
      await unpacker.unpack(await storedImage(manifest, blobs), snapshots, session, blobs);
    }
  }
  storeNames(parts, session, store, index, namesOf(store, index));
  for (const image of images.top)
    storeNames(parts, session, store, image, annotatedNamesOf(store, image));
  progress.line('Completed import');
}

/** The archive's own index, or one made for it. */
async function indexOf(
  archive: Awaited<ReturnType<typeof readArchive>>,
  blobs: Blobs,
): Promise<Descriptor> {
  if (archive.ociLayout !== undefined) {
    const index = archive.blobs.get('index.json');
    if (!index) throw new StackError('invalid_argument', 'missing index.json in OCI layout');
    return { mediaType: mediaTypes.ociIndex, ...index };
  }
  if (archive.dockerManifest === undefined) {
    throw new StackError('invalid_argument', 'unrecognized image format');
  }
  return indexOfDockerArchive(archive, blobs);
}

/** Labels documents so that each keeps what it names. Returns what the index names, and all manifests that are there. */
async function labelTree(
  index: Descriptor,
  store: ImageStore,
  blobs: Blobs,
): Promise<{ top: Descriptor[]; manifests: Descriptor[] }> {
  const platforms = store.platforms.map(platformOf);
  const manifests: Descriptor[] = [];
  const label = async (document: Descriptor): Promise<Descriptor[]> => {
    const { children, labels } = nodeOf(document, await blobs.read(document.digest));
    blobs.keep(document.digest, labels);
    if (isManifestType(document.mediaType)) {
      manifests.push(document);
      for (const { digest } of children) {
        if (!blobs.keep(digest, {})) {
          throw new StackError(
            'invalid_argument',
            `${digest}, which ${document.digest} names, is missing`,
          );
        }
      }
      return [];
    }
    const wanted = selectWanted(children, platforms, store.manifestLimit);
    // An archive of one platform has the whole index all the same.
    const present = wanted.filter(({ digest }) => blobs.keep(digest, {}));
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

/** An image whose layers are all stored. */
async function storedImage(manifest: Descriptor, blobs: Blobs) {
  const { config, layers } = parseManifest(
    parseDocument(await blobs.read(manifest.digest), manifest.digest),
  );
  const stored = Promise.resolve();
  return {
    manifest,
    config,
    diffIds: diffIdsOf(config, await blobs.read(config.digest), layers.length),
    layers: layers.map((descriptor) => ({
      descriptor,
      download: {
        stored,
        read: <T>(use: (file: string) => Promise<T>) => use(blobs.path(descriptor.digest)),
      },
    })),
  };
}
