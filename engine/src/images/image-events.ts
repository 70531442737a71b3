/** What happens to images, for `docker events`. */
import { isStackError } from '#spec/errors';
import {
  familiarName,
  formatFamiliar,
  formatReference,
  repositoryOf,
  withDefaultTag,
  type ImageReference,
} from '#spec/reference';
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

/** Tells the same of each image that is meant, once. */
export async function publishImagesEvent(
  parts: ImageParts,
  action: ImageAction,
  references: readonly string[],
): Promise<void> {
  const told = new Set<string>();
  for (const reference of references) {
    const { entry } = await parts.catalog.find(reference);
    if (told.has(entry.id)) continue;
    told.add(entry.id);
    publishImageEvent(parts, action, entry.id, entry.documents);
  }
}

/** Tells of what went to or came from a registry; labels are those of the image that the reference, or its latest tag, has here. */
export async function publishReferenceEvent(
  parts: ImageParts,
  action: 'pull' | 'push',
  reference: ImageReference,
): Promise<void> {
  const { catalog } = parts;
  const named = formatReference(withDefaultTag(reference));
  const found = await catalog.find(named).catch((error: unknown) => {
    if (isStackError(error, 'not_found')) return undefined;
    throw error;
  });
  const shown = formatFamiliar(reference);
  const repository = familiarName(repositoryOf(reference));
  publishImageEvent(parts, action, shown, found?.entry.documents, repository);
}
