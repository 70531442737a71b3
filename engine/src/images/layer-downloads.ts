/** Downloads the layers of one image, some at a time, into the content store. */
import type { Slots } from '#lib/concurrency/slots';
import type { RemoteRepository } from '#lib/registry/registry-client';
import type { Descriptor } from '#spec/oci/image';
import { refOf, type Source } from '#spec/oci/image-tree';
import type { ImageContent } from './image-content.ts';
import type { PullReporter } from './pull-progress.ts';

export interface Download {
  content: ImageContent;
  repository: RemoteRepository;
  source: Source;
  lease: string;
  reporter: PullReporter;
  signal: AbortSignal;
  /** One for each layer that arrives at the same time. */
  slots: Slots;
}

/**
 * Starts downloading. The result says of each layer when it is stored; layers that the image holds several times are
 * loaded once. Failures are reported to whoever waits for the layer.
 */
export function startDownloads(
  layers: readonly Descriptor[],
  download: Download,
): ReadonlyMap<string, Promise<void>> {
  const started = new Map<string, Promise<void>>();
  for (const layer of layers) {
    if (started.has(layer.digest)) continue;
    const stored = download.slots.run(() => downloadLayer(layer, download));
    stored.catch(() => undefined); // the unpacker may have failed before it asks for this layer
    started.set(layer.digest, stored);
  }
  return started;
}

async function downloadLayer(layer: Descriptor, download: Download): Promise<void> {
  const { content, repository, source, lease, reporter, signal } = download;
  signal.throwIfAborted();
  await content.store({
    ref: refOf(layer),
    descriptor: layer,
    labels: {},
    source,
    lease,
    signal,
    open: (offset) => repository.blob(layer, offset),
    onProgress: (bytes) => reporter.bar('Downloading', layer, bytes),
  });
  reporter.layer('Verifying Checksum', layer);
  reporter.layer('Download complete', layer);
}
