/** What happens to images, for `docker events`. */
import type { ImageParts } from './image-parts.ts';
import type { StoredImage } from './image-service.ts';

export type ImageAction =
  'delete' | 'import' | 'load' | 'prune' | 'pull' | 'push' | 'save' | 'tag' | 'untag';

/** Tells of an image under `actorId`, with its labels, as docker does: `name` is its id for most actions. */
export function publishImageEvent(
  { onEvent }: Pick<ImageParts, 'onEvent'>,
  action: ImageAction,
  actorId: string,
  image: Pick<StoredImage, 'config'> | undefined,
  name = actorId,
): void {
  onEvent?.(action, actorId, { ...image?.config.config?.Labels, name });
}

/** Tells the same of each image that is meant. */
export async function publishImagesEvent(
  parts: ImageParts,
  action: ImageAction,
  references: readonly string[],
): Promise<void> {
  for (const reference of references) {
    const { entry } = await parts.catalog.find(reference);
    publishImageEvent(parts, action, entry.id, entry.documents);
  }
}
