/** Imports the images of an archive that a client sends: stores, labels, unpacks and names them. */
import { indexOf, labelTree } from '#lib/image-archive/archived-images';
import { readArchive } from '#lib/image-archive/read-archive';
import { decompress } from '#lib/unpack/decompress';
import type { ImageImportStream, ImageStore } from '#proto/generated/containerd.types.transfer';
import { StackError } from '#spec/errors';
import { parseManifest, type Descriptor } from '#spec/oci/image';
import { receiveBytes } from '../streaming/byte-stream.ts';
import { Blobs } from './blobs.ts';
import { diffIdsOf } from './config.ts';
import { annotatedNamesOf, namesOf, storeNames } from './image-store.ts';
import { parseDocument } from '#spec/oci/image-tree';
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
  const platforms = store.platforms.map(platformOf);
  const images = await labelTree(
    index,
    (children) => selectWanted(children, platforms, store.manifestLimit),
    blobs,
  );
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
