/** `docker import`: an image of one layer, which an archive of a root file system becomes. */
import { digestOf, type Digest } from '#spec/digest';
import { StackError } from '#spec/errors';
import { mediaTypes, type Descriptor, type ImageConfig, type Manifest } from '#spec/oci/image';
import { manifestLabels, uncompressedLabel } from '#spec/oci/image-tree';
import { formatFamiliar, formatReference, parseReference, withDefaultTag } from '#spec/reference';
import { applyChanges } from './apply-changes.ts';
import { ContentArchive } from './content-archive.ts';
import { publishImageEvent } from './image-events.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImportOptions } from './image-service.ts';
import { withPullLease } from './lease.ts';
import { nameDangling } from './remove-image.ts';
import { storeLayer } from './store-layer.ts';

/** Throws invalid_argument for the name, the changes, or what is no archive; nothing stays behind then. */
export function importRoot(
  parts: ImageParts,
  archive: AsyncIterable<Buffer>,
  { reference, platform, message, changes }: ImportOptions,
): Promise<Digest> {
  const { client, content, documents, unpacker, names } = parts;
  if (platform.os !== 'linux') {
    throw new StackError('invalid_argument', 'operating system is not supported');
  }
  const name = reference === undefined ? undefined : withDefaultTag(parseReference(reference));
  if (name?.digest !== undefined) {
    throw new StackError('invalid_argument', 'cannot import digest reference');
  }
  const config = applyChanges({}, changes);
  return withPullLease(client, async (lease) => {
    const store = new ContentArchive(client, content, lease);
    const { layer, diffId } = await storeLayer(store, archive);
    await content.label(layer.digest, { [uncompressedLabel]: diffId });
    const created = new Date().toISOString();
    const { architecture, os, variant } = platform;
    const imageConfig: ImageConfig = {
      created,
      architecture,
      ...(variant !== undefined && variant !== '' && { variant }),
      os,
      config,
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created, comment: message }],
    };
    const configDocument = documentOf(mediaTypes.ociConfig, imageConfig);
    const manifest: Manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: configDocument.descriptor,
      layers: [layer],
    };
    const { descriptor: target, bytes } = documentOf(mediaTypes.ociManifest, manifest);
    await store.store(configDocument.descriptor, configDocument.bytes, {});
    await store.store(target, bytes, manifestLabels(manifest));
    const image = await documents.read(target, platform);
    await unpacker.unpack(image, lease);
    if (name) await names.set(formatReference(name), target);
    else await nameDangling(client.images, target);
    if (name) publishImageEvent(parts, 'tag', image.id, image, formatFamiliar(name));
    publishImageEvent(parts, 'import', image.id, image);
    return image.id;
  });
}

function documentOf(
  mediaType: string,
  document: object,
): { descriptor: Descriptor; bytes: Buffer } {
  const bytes = Buffer.from(JSON.stringify(document));
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}
