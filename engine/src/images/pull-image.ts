/**
 * Pulls an image by containerd's older, client-side way, which every containerd has: content, snapshots and the
 * image's name are written one by one, under a lease that keeps them until the name does.
 */
import { Slots } from '#lib/concurrency/slots';
import type { ContainerdClient } from '#proto/containerd-client';
import { hostPlatform, parsePlatform, selectManifest } from '#lib/registry/platform';
import {
  parallelDownloads,
  type FetchedDocument,
  type RegistryClient,
  type RemoteRepository,
} from '#lib/registry/registry-client';
import {
  isIndexType,
  parseIndex,
  parseManifest,
  type Descriptor,
  type Platform,
} from '#spec/oci/image';
import type { ImageReference } from '#spec/reference';
import { describeImage, type ImageDocuments } from './documents.ts';
import {
  parseDocument,
  indexLabels,
  manifestLabels,
  sourceOf,
  type Source,
} from '#spec/oci/image-tree';
import type { ImageContent } from './image-content.ts';
import type { PullOptions } from './image-service.ts';
import { startDownloads } from './layer-downloads.ts';
import type { PullReporter } from './pull-progress.ts';
import type { Unpacker } from './unpack-image.ts';

export interface PullParts {
  client: ContainerdClient;
  registry: RegistryClient;
  content: ImageContent;
  unpacker: Unpacker;
}

/** What was stored, still under the pull's lease. */
export interface PulledImage {
  target: Descriptor;
  image: ImageDocuments;
}

/**
 * Fetches and unpacks the image that `reference`, which has a tag or a digest, means for the wanted platform.
 * `lease` keeps all of it.
 */
export async function pullImage(
  { registry, content, unpacker }: PullParts,
  reference: ImageReference,
  { platform: wanted, credentials, signal }: PullOptions,
  lease: string,
  reporter: PullReporter,
): Promise<PulledImage> {
  const platform = wanted === undefined ? hostPlatform() : parsePlatform(wanted);
  const ended = new AbortController();
  const stop = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
  const repository = registry.repository(reference, {
    signal: stop,
    forDownload: true,
    ...(credentials && { credentials }),
  });
  const top = await repository.resolve();
  reporter.begin(reference);
  const pull: Pull = {
    content,
    repository,
    unpacker,
    lease,
    reporter,
    signal: stop,
    slots: registry.downloads ?? new Slots(parallelDownloads),
    source: sourceOf(reference),
  };
  try {
    const image = await storeDocuments(top, platform, pull);
    await fetchLayers(pull, image);
    return { target: top.descriptor, image };
  } finally {
    ended.abort(); // downloads that nobody waits for any more
  }
}

/** What every step of one pull works with. */
interface Pull {
  content: ImageContent;
  repository: RemoteRepository;
  unpacker: Unpacker;
  source: Source;
  lease: string;
  reporter: PullReporter;
  signal: AbortSignal;
  slots: Slots;
}

/** Stores index, manifest and config, labelled so that each keeps what it names. */
async function storeDocuments(
  top: FetchedDocument,
  platform: Platform,
  { content, repository, source, lease }: Pull,
): Promise<ImageDocuments> {
  let manifestDocument = top;
  if (isIndexType(top.descriptor.mediaType)) {
    const index = parseIndex(parseDocument(top.content, top.descriptor.digest));
    const { digest } = selectManifest(index.manifests, platform);
    manifestDocument = await repository.manifest(digest);
    await content.storeDocument(top.descriptor, top.content, indexLabels(index), lease, source);
  }
  const { digest } = manifestDocument.descriptor;
  const manifest = parseManifest(parseDocument(manifestDocument.content, digest));
  const config = (await content.keep(manifest.config.digest, {}, lease, source))
    ? await content.read(manifest.config.digest)
    : await repository.document(manifest.config);
  const image = describeImage(digest, manifest, config);
  await content.storeDocument(manifest.config, config, {}, lease, source);
  const kept = manifestLabels(manifest);
  const { descriptor, content: bytes } = manifestDocument;
  await content.storeDocument(descriptor, bytes, kept, lease, source);
  return image;
}

/** Layers arrive in parallel and are unpacked in their order, each as soon as it is there. */
async function fetchLayers(pull: Pull, image: ImageDocuments): Promise<void> {
  const { content, unpacker, source, lease, reporter, slots } = pull;
  const missing: Descriptor[] = [];
  for (const layer of image.manifest.layers) {
    if (await content.keep(layer.digest, {}, lease, source)) continue;
    missing.push(layer);
    reporter.layer('Pulling fs layer', layer);
  }
  for (const layer of missing.slice(slots.free)) reporter.layer('Waiting', layer);
  const downloads = startDownloads(missing, pull);
  await unpacker.unpack(image, lease, {
    ready: async (layer) => downloads.get(layer.digest),
    present: (layer) =>
      reporter.layer(downloads.has(layer.digest) ? 'Pull complete' : 'Already exists', layer),
    extracting: (layer) => reporter.bar('Extracting', layer, 0),
    extracted: (layer) => {
      reporter.bar('Extracting', layer, layer.size);
      reporter.layer('Pull complete', layer);
    },
  });
}
