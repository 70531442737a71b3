/** Which images an archive is to hold, and what those of an archive are called here. */
import type { ContainerdClient } from '#proto/containerd-client';
import { StackError } from '#spec/errors';
import type { ImageCatalog } from './image-catalog.ts';
import { isDangling, repoTagsOf } from './image-names.ts';
import type { LoadedImage } from './image-service.ts';
import { saveImages } from './transfer-archive.ts';

/** The archive of images by name or id. Throws not_found before its first piece. */
export async function archiveOf(
  client: ContainerdClient,
  catalog: ImageCatalog,
  references: readonly string[],
): Promise<AsyncIterable<Buffer>> {
  const names = new Set<string>();
  for (const reference of references) {
    const { record, entry, by } = await catalog.find(reference);
    // An id means the image with all its tags.
    const tagged = entry.records.filter(({ name }) => !isDangling(name));
    const meant = by === 'id' && tagged.length > 0 ? tagged : [record];
    for (const { name } of meant) names.add(name);
  }
  if (names.size === 0) throw new StackError('invalid_argument', 'no image to save was named');
  return saveImages(client, [...names]);
}

/** The images that were loaded under these names. Names by digest alone go where there are others. */
export async function namesOfLoaded(
  { images }: ContainerdClient,
  catalog: ImageCatalog,
  names: readonly string[],
): Promise<LoadedImage[]> {
  const loaded: LoadedImage[] = [];
  for (const { documents, records } of await catalog.entries()) {
    const own = records.filter(({ name }) => names.includes(name));
    if (own.length === 0) continue;
    if (records.some(({ name }) => !isDangling(name))) {
      for (const { name } of own.filter((record) => isDangling(record.name))) {
        await images.delete({ name });
      }
    }
    const repoTags = repoTagsOf(own.map(({ name }) => name));
    loaded.push({ id: documents.id, repoTags });
  }
  return loaded;
}
