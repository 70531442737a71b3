/** Removing images: names first, then the image itself once nothing names it. */
import type { ContainerdClient } from '#proto/containerd-client';
import { chainIdsOf } from '#spec/digest';
import { isStackError, StackError } from '#spec/errors';
import type { RemovedImage } from './api-types.ts';
import type { CatalogEntry, Found, ImageRecord } from './image-catalog.ts';
import {
  danglingName,
  isDangling,
  referenceOfName,
  repoDigestsOf,
  repoTagsOf,
} from './image-names.ts';
import type { ImageUser } from './image-service.ts';
import { shortId } from './pull-progress.ts';

/**
 * The names that go, decided before anything is changed: one of several, or all and the image with them. `asked` is how
 * the user called it. Throws conflict
 * where docker does: for an image in use, and for an id that several repositories share.
 */
export function recordsToRemove(
  { entry, record, by }: Found,
  users: readonly ImageUser[],
  force: boolean,
  asked: string,
): ImageRecord[] {
  const named = entry.records.filter(({ name }) => !isDangling(name));
  // Names by digest go with the last tag of their repository.
  const staying = named.filter(
    (other) => other !== record && !isDigestOfSameRepository(other, record),
  );
  if (by === 'name' && staying.length > 0) return [record];
  const [user] = users;
  const id = shortId(entry.id);
  if (by === 'name' && user && !force) {
    const container = user.containerId.slice(0, 12);
    throw conflict(
      `unable to remove repository reference "${asked}" (must force) - ` +
        `container ${container} is using its referenced image ${id}`,
    );
  }
  if (by === 'id') {
    const inUse = conflictOfUsers(entry.id, users, force);
    if (inUse) throw inUse;
    if (repositoriesOf(named).size > 1 && !force) {
      throw conflict(
        `unable to delete ${id} (must be forced) - image is referenced in multiple repositories`,
      );
    }
  }
  return entry.records;
}

/** Why containers forbid that an image goes; undefined if they do not. */
export function conflictOfUsers(
  imageId: string,
  users: readonly ImageUser[],
  force: boolean,
): StackError | undefined {
  const id = shortId(imageId);
  const running = users.find((user) => user.running);
  if (running) {
    const container = running.containerId.slice(0, 12);
    return conflict(
      `unable to delete ${id} (cannot be forced) - image is being used by running container ${container}`,
    );
  }
  const [stopped] = users;
  if (!stopped || force) return undefined;
  const container = stopped.containerId.slice(0, 12);
  return conflict(
    `unable to delete ${id} (must be forced) - image is being used by stopped container ${container}`,
  );
}

/** Removes the names; an image in use keeps one that nobody sees. Returns what docker's clients print. */
export async function removeRecords(
  { images }: ContainerdClient,
  entry: CatalogEntry,
  records: readonly ImageRecord[],
  keep: { inUse: boolean; otherEntries: readonly CatalogEntry[] },
): Promise<RemovedImage[]> {
  const isLast = records.length === entry.records.length;
  if (isLast && keep.inUse) {
    const targets = new Map(records.map(({ target }) => [target.digest, target]));
    for (const target of targets.values()) await nameDangling(images, target);
  }
  const removable = records.filter(({ name }) => !(keep.inUse && isDangling(name)));
  for (const [i, { name }] of removable.entries()) {
    // The last deletion waits for the collector: snapshots and content are gone when the answer comes.
    const sync = isLast && i === removable.length - 1 && !keep.inUse;
    await images.delete({ name, sync });
  }
  const removed: RemovedImage[] = repoTagsOf(removable.map(({ name }) => name)).map((Untagged) => ({
    Untagged,
  }));
  if (!isLast && removed.length > 0) return removed;
  const digests = removable.flatMap(({ name, target }) => repoDigestsOf([name], target.digest));
  removed.push(...[...new Set(digests)].map((Untagged) => ({ Untagged })));
  if (!isLast || keep.inUse) return removed;
  return [...removed, { Deleted: entry.id }, ...deletedLayers(entry, keep.otherEntries)];
}

/** Keeps an image that has lost its last name. */
export async function nameDangling(
  images: ContainerdClient['images'],
  target: ImageRecord['target'],
): Promise<void> {
  const { mediaType, digest, size } = target;
  try {
    await images.create({
      image: { name: danglingName(digest), target: { mediaType, digest, size } },
    });
  } catch (error) {
    if (!isStackError(error, 'already_exists')) throw error;
  }
}

/** Chain IDs that no other image has, the topmost first. */
function deletedLayers(entry: CatalogEntry, others: readonly CatalogEntry[]): RemovedImage[] {
  const kept = new Set<string>(others.flatMap(({ documents }) => chainIdsOf(documents.diffIds)));
  return chainIdsOf(entry.documents.diffIds)
    .filter((chainId) => !kept.has(chainId))
    .reverse()
    .map((Deleted) => ({ Deleted }));
}

function isDigestOfSameRepository(other: ImageRecord, record: ImageRecord): boolean {
  const [a, b] = [referenceOfName(other.name), referenceOfName(record.name)];
  return (
    a?.tag === undefined && b?.tag !== undefined && a?.domain === b.domain && a.path === b.path
  );
}

function repositoriesOf(records: readonly ImageRecord[]): Set<string> {
  return new Set(records.flatMap(({ name }) => repoDigestsOf([name], '')));
}

function conflict(message: string): StackError {
  return new StackError('conflict', `conflict: ${message}`);
}
