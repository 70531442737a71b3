/** `DELETE /images/{name}`: what a user's words mean, and what then goes. */
import { isStackError } from '#spec/errors';
import { isIndexType, type Platform } from '#spec/oci/image';
import type { RemovedImage } from './api-types.ts';
import type { Found } from './image-catalog.ts';
import { publishImageEvent } from './image-events.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageUser, RemoveOptions } from './image-service.ts';
import { conflictOfUsers, recordsToRemove, removeRecords } from './remove-image.ts';

/** Throws as ImageService.remove. */
export function removeImage(
  parts: ImageParts,
  reference: string,
  { force, noPrune = false, platforms = [] }: RemoveOptions,
): Promise<RemovedImage[]> {
  return parts.names.exclusive(async () => {
    const removed: RemovedImage[] = [];
    for (const platform of platforms) {
      removed.push(...(await removePlatform(parts, reference, platform, { force, noPrune })));
    }
    if (platforms.length > 0) return removed;
    return removeAll(parts, await parts.catalog.find(reference), reference, { force, noPrune });
  });
}

type Removal = Required<Pick<RemoveOptions, 'force' | 'noPrune'>>;

async function removeAll(
  parts: ImageParts,
  found: Found,
  reference: string,
  { force, noPrune }: Removal,
): Promise<RemovedImage[]> {
  const { catalog, client } = parts;
  const { entry } = found;
  const users = await usersOfAll(parts, found);
  const records = recordsToRemove(found, users, force, reference);
  const entries = await catalog.entries();
  const removed = await removeRecords(client, entry, records, {
    inUse: users.length > 0 || noPrune,
    otherEntries: entries.filter(({ id }) => id !== entry.id),
  });
  const isDeleted = removed.some((item) => 'Deleted' in item);
  for (const item of removed) {
    // Digests go with the last tag of their repository, and nobody is told.
    if (!('Untagged' in item) || item.Untagged.includes('@')) continue;
    publishImageEvent(parts, 'untag', entry.id, entry.documents);
  }
  if (isDeleted) publishImageEvent(parts, 'delete', entry.id, undefined);
  return removed;
}

/** Removes one platform; the image as a whole where it is the only one that is stored. */
async function removePlatform(
  parts: ImageParts,
  reference: string,
  platform: Platform,
  options: Removal,
): Promise<RemovedImage[]> {
  const { catalog, client, documents } = parts;
  const found = await catalog.find(reference, platform);
  const { entry, record } = found;
  const stored = await documents.readAll(record.target, platform);
  if (!isIndexType(record.target.mediaType) || stored.length < 2) {
    return removeAll(parts, await catalog.find(reference), reference, options);
  }
  const conflict = conflictOfUsers(entry.id, parts.usersOf(entry.id), options.force);
  if (conflict) throw conflict;
  const { manifestDigest } = entry.documents;
  await client.content.delete({ digest: manifestDigest }).catch((error: unknown) => {
    if (!isStackError(error, 'not_found')) throw error; // somebody else was quicker
  });
  return [{ Deleted: manifestDigest }];
}

/** Containers of any platform that would lose their image. */
async function usersOfAll(
  { catalog, usersOf }: ImageParts,
  { entry }: Found,
): Promise<ImageUser[]> {
  const ids = new Set([entry.id, ...(await catalog.idsKeptBy(entry))]);
  return [...ids].flatMap((id) => usersOf(id));
}
