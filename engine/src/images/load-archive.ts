/** `docker load`: stores the images of an archive and gives them the names that it says. */
import { imageNameAnnotation, refNameAnnotation } from '#lib/image-archive/annotations';
import { indexOf, labelTree } from '#lib/image-archive/archived-images';
import { readArchive } from '#lib/image-archive/read-archive';
import { hostPlatform, platformMatches } from '#lib/registry/platform';
import { decompress } from '#lib/unpack/decompress';
import { expandByProgram } from '#lib/unpack/expand-archive';
import type { Digest } from '#spec/digest';
import { isStackError } from '#spec/errors';
import { isIndexType, type Descriptor, type Platform } from '#spec/oci/image';
import { formatFamiliar, formatReference, parseReference } from '#spec/reference';
import { isLite } from '../containerd/peer.ts';
import { ContentArchive } from './content-archive.ts';
import type { ImageDocuments } from './documents.ts';
import { publishImageEvent } from './image-events.ts';
import type { ImageParts } from './image-parts.ts';
import type { LoadMessage, LoadOptions } from './image-service.ts';
import { withPullLease } from './lease.ts';
import { LoadReporter } from './load-progress.ts';
import { nameDangling } from './remove-image.ts';
import { hasTransfer } from './transfer-pull.ts';
import { loadByTransfer } from './transfer-archive.ts';

/** What an archive's index names, while something keeps its content. */
type UseImages = (images: readonly Descriptor[]) => Promise<void>;

/** Throws invalid_argument for what is no archive of images; nothing stays behind then. */
export async function loadArchive(
  parts: ImageParts,
  archive: AsyncIterable<Buffer>,
  options: LoadOptions,
  onMessage: (message: LoadMessage) => void,
): Promise<void> {
  const { client, snapshotter } = parts;
  const plain = expandByProgram(archive);
  const reporter = new LoadReporter(options.quiet ? () => undefined : onMessage);
  const name: UseImages = async (images) => {
    const told = new Set<string>();
    for (const target of await withoutParents(parts, images)) {
      const image = await nameLoaded(parts, target, options.platform, onMessage);
      if (told.has(image.id)) continue; // one image, several names
      told.add(image.id);
      publishImageEvent(parts, 'load', image.id, image);
    }
  };
  if ((await isLite(client)) && (await hasTransfer(client))) {
    await loadByTransfer(client, snapshotter, plain, options, reporter, name);
  } else await loadByContent(parts, plain, options, reporter, name);
}

/** Over a containerd that only stores. */
function loadByContent(
  { client, content, documents, unpacker }: ImageParts,
  archive: AsyncIterable<Buffer>,
  { platform, signal = new AbortController().signal }: LoadOptions,
  reporter: LoadReporter,
  use: UseImages,
): Promise<void> {
  return withPullLease(client, async (lease) => {
    const store = new ContentArchive(client, content, lease);
    const index = await indexOf(await readArchive(decompress(archive), store, signal), store);
    const { top, manifests } = await labelTree(index, (all) => ofPlatform(all, platform), store);
    for (const manifest of manifests) {
      const image = await documents.read(manifest, hostPlatform()).catch((error: unknown) => {
        if (isStackError(error, 'unimplemented')) return undefined; // an attestation, or another artifact
        throw error;
      });
      if (!image) continue;
      await unpacker.unpack(image, lease, {
        extracting: (layer) => reporter.layer(layer, 0),
        extracted: (layer) => reporter.layer(layer, layer.size),
      });
    }
    await use(top);
  });
}

/** The images without those that hold others of them: the archive's own index. */
async function withoutParents(
  { documents }: ImageParts,
  images: readonly Descriptor[],
): Promise<readonly Descriptor[]> {
  const digests = new Set(images.map(({ digest }) => digest));
  const parents = new Set<string>();
  for (const { mediaType, digest } of images) {
    if (!isIndexType(mediaType)) continue;
    const { manifests } = await documents.index(digest);
    if (manifests.some((child) => digests.has(child.digest))) parents.add(digest);
  }
  return images.filter(({ digest }) => !parents.has(digest));
}

function ofPlatform(
  descriptors: readonly Descriptor[],
  wanted: Platform | undefined,
): readonly Descriptor[] {
  if (!wanted) return descriptors;
  return descriptors.filter(({ platform }) => !platform || platformMatches(wanted, platform));
}

/** Gives one image of the archive its name, or one that nobody sees. Returns it. */
async function nameLoaded(
  parts: ImageParts,
  target: Descriptor,
  platform: Platform | undefined,
  onMessage: (message: LoadMessage) => void,
): Promise<ImageDocuments> {
  const { client, catalog, documents, names } = parts;
  const image = await documents.read(target, platform ?? hostPlatform());
  const reference = nameIn(target);
  if (reference === undefined) {
    const known = (await catalog.entries()).find(({ id }) => id === image.id);
    if (!known) await nameDangling(client.images, target);
    onMessage({ stream: `Loaded image ID: ${image.id}\n` });
  } else {
    const shown = formatFamiliar(parseReference(reference));
    const previous = await idOf(parts, reference);
    if (previous !== undefined && previous !== image.id) {
      onMessage({
        stream: `The image ${shown} already exists, renaming the old one with ID ${previous} to empty string\n`,
      });
    }
    await names.set(reference, target);
    onMessage({ stream: `Loaded image: ${shown}\n` });
  }
  return image;
}

/** The whole name that an archive gives an image. A tag alone says nothing. Throws invalid_argument. */
function nameIn({ annotations = {} }: Descriptor): string | undefined {
  const text = annotations[imageNameAnnotation] ?? annotations[refNameAnnotation] ?? '';
  if (!/[/:]/.test(text)) return undefined;
  const reference = parseReference(text);
  return reference.tag === undefined ? undefined : formatReference(reference);
}

async function idOf({ catalog }: ImageParts, reference: string): Promise<Digest | undefined> {
  try {
    return (await catalog.find(reference)).entry.documents.id;
  } catch (error) {
    if (isStackError(error, 'not_found')) return undefined;
    throw error;
  }
}
