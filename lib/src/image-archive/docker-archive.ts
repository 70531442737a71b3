/** The images of a `docker save` archive as manifests of their own, because the archive has none. */
import { digestOf } from '#spec/digest';
import { StackError } from '#spec/errors';
import { array, object, optional, string } from '#spec/json-decoder';
import {
  mediaTypes,
  parseImageConfig,
  type Descriptor,
  type Index,
  type Manifest,
} from '#spec/oci/image';
import { formatReference, parseReference, withDefaultTag } from '#spec/reference';
import { manifestLabels, parseDocument } from '#spec/oci/image-tree';
import { detectCompression } from '../unpack/decompress.ts';
import { imageNameAnnotation, refNameAnnotation } from './annotations.ts';
import type { ArchiveStore } from './archive-store.ts';
import type { Archive, ArchivedBlob } from './read-archive.ts';

/** One image of manifest.json. */
interface DockerImage {
  Config: string;
  RepoTags?: string[];
  Layers: string[];
}

const parseImages = array(
  object<DockerImage>({ Config: string, RepoTags: optional(array(string)), Layers: array(string) }),
);

/** Stores a manifest for each image and an index of them all. Throws invalid_argument for files that are missing. */
export async function indexOfDockerArchive(
  archive: Archive,
  store: ArchiveStore,
): Promise<Descriptor> {
  const manifests: Descriptor[] = [];
  for (const image of parseImages(archive.dockerManifest, 'manifest.json')) {
    const manifest = await storeManifest(image, archive, store);
    const tags = image.RepoTags ?? [];
    if (tags.length === 0) manifests.push(manifest);
    for (const tag of tags) {
      const reference = withDefaultTag(parseReference(tag));
      const name = formatReference(reference);
      const annotations = {
        [imageNameAnnotation]: name,
        [refNameAnnotation]: reference.tag ?? name,
      };
      manifests.push({ ...manifest, annotations });
    }
  }
  const index: Index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
  return storeJson(index, mediaTypes.ociIndex, {}, store);
}

async function storeManifest(
  { Config: configName, Layers: layerNames }: DockerImage,
  archive: Archive,
  store: ArchiveStore,
): Promise<Descriptor> {
  const config = fileOf(archive, configName, 'image config');
  const { os, architecture, variant } = parseImageConfig(
    parseDocument(await store.read(config.digest), config.digest),
  );
  const layers: Descriptor[] = [];
  for (const name of layerNames) {
    const { digest, size } = fileOf(archive, name, 'layer');
    const plain = detectCompression(await store.start(digest, 4)) === 'none';
    const mediaType = plain ? mediaTypes.dockerLayer : mediaTypes.dockerLayerGzip;
    layers.push({ mediaType, digest, size });
  }
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config: { mediaType: mediaTypes.dockerConfig, digest: config.digest, size: config.size },
    layers,
  };
  const labels = manifestLabels(manifest);
  const stored = await storeJson(manifest, mediaTypes.dockerManifest, labels, store);
  return { ...stored, platform: { os, architecture, ...(variant !== undefined && { variant }) } };
}

async function storeJson(
  document: object,
  mediaType: string,
  labels: Readonly<Record<string, string>>,
  store: ArchiveStore,
): Promise<Descriptor> {
  const content = Buffer.from(JSON.stringify(document));
  const descriptor = { mediaType, digest: digestOf(content), size: content.length };
  await store.store(descriptor, content, labels);
  return descriptor;
}

function fileOf({ blobs }: Archive, name: string, what: string): ArchivedBlob {
  const blob = blobs.get(name);
  if (!blob) throw new StackError('invalid_argument', `${what} "${name}" not found in the archive`);
  return blob;
}
