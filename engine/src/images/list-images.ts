/** `GET /images/json`. */
import { chainIdsOf, parseDigest } from '#spec/digest';
import type { ImageSummary } from './api-types.ts';
import { applyFilters } from './apply-filters.ts';
import type { ImageFilters } from './filters.ts';
import type { ImageParts } from './image-parts.ts';
import type { ListOptions, StoredImage } from './image-service.ts';
import { summaryOf } from './image-summaries.ts';
import { manifestSummaries } from './manifest-summaries.ts';

/** Newest first. */
export async function listImages(
  parts: ImageParts,
  filters: ImageFilters,
  { sharedSize = false, manifests = false }: ListOptions,
): Promise<ImageSummary[]> {
  const { catalog, usersOf } = parts;
  const images: StoredImage[] = [];
  for (const entry of await catalog.entries()) {
    const [record] = entry.records;
    if (record) images.push(await catalog.stored(entry, record));
  }
  const find = async (reference: string): Promise<StoredImage> => {
    const { entry, record } = await catalog.find(reference);
    return catalog.stored(entry, record);
  };
  const shown = await applyFilters(images, filters, find);
  const shares = sharedSize ? layersOfSeveral(images) : undefined;
  return Promise.all(
    shown
      .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
      .map(async (image) => ({
        ...summaryOf(image, usersOf(image.id).length),
        ...(shares && { SharedSize: await sharedBytes(parts, image, shares) }),
        ...(manifests && { Manifests: await manifestSummaries(parts, image.target) }),
      })),
  );
}

/** Chain IDs that more than one image has. */
function layersOfSeveral(images: readonly StoredImage[]): Set<string> {
  const counts = new Map<string, number>();
  for (const image of images) {
    for (const chainId of chainsOf(image)) counts.set(chainId, (counts.get(chainId) ?? 0) + 1);
  }
  return new Set([...counts].filter(([, count]) => count > 1).map(([chainId]) => chainId));
}

async function sharedBytes(
  { unpacker }: ImageParts,
  image: StoredImage,
  shared: ReadonlySet<string>,
): Promise<number> {
  let total = 0;
  for (const chainId of chainsOf(image)) {
    if (shared.has(chainId)) total += (await unpacker.layerBytes(chainId)) ?? 0;
  }
  return total;
}

function chainsOf({ config }: StoredImage): string[] {
  return chainIdsOf(config.rootfs.diff_ids.map(parseDigest));
}
