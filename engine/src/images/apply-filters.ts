/** Which images the filters of `GET /images/json` let through. */
import path from 'node:path';
import { familiarName, formatFamiliar, parseReference } from '#spec/reference';
import { parsePointInTime } from '../http/point-in-time.ts';
import { booleanFilter, type ImageFilters } from './filters.ts';
import type { StoredImage } from './image-service.ts';

/** Finds the image that `before` or `since` names. */
export type FindImage = (reference: string) => Promise<StoredImage>;

/** The images that pass all filters. Throws invalid_argument for values that make no sense. */
export async function applyFilters(
  images: readonly StoredImage[],
  filters: ImageFilters,
  find: FindImage,
): Promise<StoredImage[]> {
  const dangling = booleanFilter('dangling', filters.dangling);
  const before = await Promise.all((filters.before ?? []).map(find));
  const since = await Promise.all((filters.since ?? []).map(find));
  const until = (filters.until ?? []).map((text) => parsePointInTime(text));
  return images
    .map((image) => withMatchingNames(image, filters.reference))
    .filter((image) => image !== undefined)
    .filter(
      (image) =>
        (dangling === undefined || (image.repoTags.length === 0) === dangling) &&
        (filters.label ?? []).every((label) => hasLabel(image, label)) &&
        !(filters['label!'] ?? []).some((label) => hasLabel(image, label)) &&
        before.every((other) => image.createdAt < other.createdAt) &&
        since.every((other) => image.createdAt > other.createdAt) &&
        until.every((time) => image.createdAt.getTime() < time),
    );
}

/** The image with only those names that match a pattern; undefined if none does. */
function withMatchingNames(
  image: StoredImage,
  patterns: readonly string[] | undefined,
): StoredImage | undefined {
  if (!patterns || patterns.length === 0) return image;
  const matching = (names: readonly string[]) =>
    names.filter((name) => patterns.some((pattern) => matchesReference(pattern, name)));
  const [repoTags, repoDigests] = [matching(image.repoTags), matching(image.repoDigests)];
  if (repoTags.length === 0 && repoDigests.length === 0) return undefined;
  return { ...image, repoTags, repoDigests };
}

/** A pattern matches the name with its tag, or the repository alone; `*` stops at slashes. */
function matchesReference(pattern: string, name: string): boolean {
  const reference = parseReference(name);
  const candidates = [formatFamiliar(reference), familiarName(reference)];
  return candidates.some((candidate) => path.posix.matchesGlob(candidate, pattern));
}

/** `key` or `key=value`. */
function hasLabel(image: StoredImage, label: string): boolean {
  const equals = label.indexOf('=');
  const labels = image.config.config?.Labels ?? {};
  if (equals < 0) return Object.hasOwn(labels, label);
  return labels[label.slice(0, equals)] === label.slice(equals + 1);
}
