/** `POST /images/prune`. */
import { chainIdsOf, parseDigest } from '#spec/digest';
import { isStackError, StackError } from '#spec/errors';
import type { RemovedImage } from './api-types.ts';
import { applyFilters } from './apply-filters.ts';
import type { ImageFilters } from './filters.ts';
import type { ImageParts } from './image-parts.ts';
import { removeImage } from './remove-reference.ts';

export interface PrunedImages {
  removed: RemovedImage[];
  /** Of the layers that went. */
  bytes: number;
}

/** Prunes that run, by the parts they work on: docker refuses a second one. */
const running = new WeakSet<ImageParts>();

/** Removes the images that no container uses: those without a tag, or `all`. Throws conflict while another prune runs. */
export async function pruneImages(
  parts: ImageParts,
  filters: ImageFilters,
  all: boolean,
): Promise<PrunedImages> {
  if (running.has(parts)) throw new StackError('conflict', 'a prune operation is already running');
  if ((filters.until ?? []).length > 1) {
    throw new StackError('invalid_argument', 'more than one until filter specified');
  }
  running.add(parts);
  try {
    return await prune(parts, filters, all);
  } finally {
    running.delete(parts);
  }
}

async function prune(
  parts: ImageParts,
  filters: ImageFilters,
  all: boolean,
): Promise<PrunedImages> {
  const { catalog, unpacker, usersOf } = parts;
  const images = await Promise.all(
    (await catalog.entries()).flatMap((entry) =>
      entry.records[0] ? [catalog.stored(entry, entry.records[0])] : [],
    ),
  );
  const chosen = await applyFilters(images, filters, () => {
    throw new StackError('invalid_argument', 'pruning knows no filter that names an image');
  });
  const removed: RemovedImage[] = [];
  let bytes = 0;
  for (const { id, repoTags, config } of chosen) {
    if ((repoTags.length > 0 && !all) || usersOf(id).length > 0) continue;
    const sizes = new Map<string, number>();
    for (const chainId of chainIdsOf(config.rootfs.diff_ids.map(parseDigest))) {
      sizes.set(chainId, (await unpacker.layerBytes(chainId)) ?? 0);
    }
    try {
      const items = await removeImage(parts, id, { force: true });
      removed.push(...items);
      for (const item of items) if ('Deleted' in item) bytes += sizes.get(item.Deleted) ?? 0;
    } catch (error) {
      if (!isStackError(error, 'conflict') && !isStackError(error, 'not_found')) throw error;
    }
  }
  parts.onEvent?.('prune', '', { reclaimed: String(bytes) });
  return { removed, bytes };
}
