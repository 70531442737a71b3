/** Pushes an image of the store to a registry. */
import fs from 'node:fs';
import { pushImage, type PushProgress } from '#lib/registry/push-image';
import type { ImageStore } from '#proto/generated/containerd.types.transfer';
import { Blobs } from './blobs.ts';
import { targetDescriptor } from './image-store.ts';
import { refOf, repositoriesIn, sourceOf } from '#spec/oci/image-tree';
import { isWanted, platformOf } from './platforms.ts';
import type { TransferProgress } from './progress.ts';
import type { RegistryAccess } from './remote-registry.ts';
import type { Session, TransferParts } from './session.ts';

const readBytes = 1 << 20;

/** Throws not_found for content that is not stored, and what the registry says. */
export async function push(
  parts: TransferParts,
  session: Session,
  store: ImageStore,
  registry: RegistryAccess,
): Promise<void> {
  const { namespace, progress } = session;
  const image = parts.images.get(namespace, store.name);
  const target = targetDescriptor(image);
  const blobs = new Blobs(parts, session);
  const platforms = store.platforms.map(platformOf);
  const { label } = sourceOf(registry.reference);
  progress.line(`Pushing to ${registry.title}`);
  progress.line('pushing content', image.name, target);
  await pushImage(
    registry.repository,
    target,
    {
      document: async ({ digest }) => blobs.read(digest),
      blob: ({ digest }, offset) =>
        fs.createReadStream(blobs.path(digest), { start: offset, highWaterMark: readBytes }),
      repositoriesOf: async ({ digest }) => {
        const { labels } = parts.content.info(namespace, digest);
        return repositoriesIn(labels, label);
      },
    },
    {
      wants: (manifest) => isWanted(platforms, manifest),
      onProgress: (step) => report(progress, image.name, step),
    },
  );
  progress.line('pushed content', image.name, target);
  progress.line(`Completed push to ${registry.title}`, '', target);
}

function report(
  progress: TransferProgress,
  image: string,
  { descriptor, parent, state, offset }: PushProgress,
): void {
  const parents = [parent ? refOf(parent) : image];
  switch (state) {
    case 'waiting':
      progress.blob('waiting', descriptor, parents, 0);
      return;
    case 'uploading':
      progress.blob('uploading', descriptor, parents, offset);
      return;
    case 'exists':
    case 'mounted':
      progress.blob('already exists', descriptor, parents);
      return;
    case 'uploaded':
    case 'skipped':
      progress.blob('complete', descriptor, parents);
      return;
  }
}
