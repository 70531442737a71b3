/** Exports images as one archive, an OCI layout that `docker load` reads as well, to a client. */
import fs from 'node:fs';
import { writeArchive, type NamedImage } from '#lib/image-archive/write-archive';
import { hostPlatform } from '#lib/registry/platform';
import type { ImageExportStream } from '#proto/generated/containerd.types.transfer';
import type { Image } from '#proto/generated/containerd.services.images.v1';
import { StackError } from '#spec/errors';
import { isIndexType, isManifestType, type Descriptor } from '#spec/oci/image';
import { nodeOf } from '#spec/oci/image-tree';
import { ByteSender } from '../streaming/byte-stream.ts';
import { Blobs } from './blobs.ts';
import { targetDescriptor } from './image-store.ts';
import { isWanted, platformOf } from './platforms.ts';
import type { Session, TransferParts } from './session.ts';

const readBytes = 1 << 20;

/** Throws not_found for content that is not stored, or an index without the wanted platform. */
export async function exportImages(
  parts: TransferParts,
  session: Session,
  images: readonly Image[],
  options: ImageExportStream,
): Promise<void> {
  const { namespace, progress, signal } = session;
  progress.line('Exporting');
  const sender = new ByteSender(parts.streams.get(namespace, options.stream));
  try {
    const blobs = new Blobs(parts, session);
    const collected = await collect(images, options, blobs);
    const archive = writeArchive(
      {
        images: collected.named,
        blobs: [...collected.blobs.values()],
        dockerManifest: !options.skipCompatibilityManifest,
      },
      {
        read: (digest) => blobs.read(digest),
        // no encoding is asked for: buffers come
        blob: ({ digest }) => fs.createReadStream(blobs.path(digest), { highWaterMark: readBytes }),
      },
    );
    for await (const bytes of archive) {
      signal.throwIfAborted();
      await sender.write(bytes);
    }
  } finally {
    sender.close();
  }
  progress.line('Completed export');
}

interface Collected {
  /** By digest, each once. */
  blobs: Map<string, Descriptor>;
  named: NamedImage[];
}

async function collect(
  images: readonly Image[],
  { platforms, allPlatforms, skipNonDistributable }: ImageExportStream,
  blobs: Blobs,
): Promise<Collected> {
  const wanted = platforms.length > 0 ? platforms.map(platformOf) : [hostPlatform()];
  const collected: Collected = { blobs: new Map(), named: [] };
  const visit = async (blob: Descriptor): Promise<void> => {
    if (skipNonDistributable && /nondistributable|foreign/.test(blob.mediaType)) return;
    collected.blobs.set(blob.digest, blob);
    if (!isManifestType(blob.mediaType)) return;
    for (const child of nodeOf(blob, await blobs.read(blob.digest)).children) await visit(child);
  };
  for (const image of images) {
    const { name } = image;
    const target = targetDescriptor(image);
    await visit(target);
    if (isManifestType(target.mediaType)) {
      collected.named.push({ name, target, manifest: target });
      continue;
    }
    if (!isIndexType(target.mediaType)) {
      throw new StackError('invalid_argument', 'only manifests may be exported');
    }
    const { children } = nodeOf(target, await blobs.read(target.digest));
    const matching = children.filter((child) => isWanted(wanted, child));
    for (const child of allPlatforms ? children : matching) await visit(child);
    const manifest = matching.find(({ mediaType }) => isManifestType(mediaType));
    if (!manifest && !allPlatforms) {
      throw new StackError('not_found', 'no manifest found for platform: not found');
    }
    collected.named.push({ name, target, manifest });
  }
  return collected;
}
