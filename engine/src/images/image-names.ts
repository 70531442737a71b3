/** Names of images in containerd's store, and what users write and see for them. */
import { isStackError } from '#spec/errors';
import {
  familiarName,
  formatFamiliar,
  formatReference,
  parseReference,
  withDefaultTag,
  type ImageReference,
} from '#spec/reference';

/** An image without a tag that is still in use is kept under this and its target's digest. */
export const danglingRepository = 'engine-dangling';
const danglingPrefix = `${danglingRepository}@`;

export function danglingName(targetDigest: string): string {
  return `${danglingPrefix}${targetDigest}`;
}

export function isDangling(name: string): boolean {
  return name.startsWith(danglingPrefix);
}

/** The name in the store for a reference with a tag or digest, `docker.io/library/busybox:latest`. */
export function storeName(reference: ImageReference): string {
  return formatReference(withDefaultTag(reference));
}

/** The reference that a name in the store is; undefined for a dangling image and for what others have put there. */
export function referenceOfName(name: string): ImageReference | undefined {
  if (isDangling(name)) return undefined;
  try {
    return parseReference(name);
  } catch (error) {
    if (isStackError(error, 'invalid_argument')) return undefined;
    throw error;
  }
}

/** The tags among the names, as users read them. */
export function repoTagsOf(names: readonly string[]): string[] {
  const tags = names.flatMap((name) => {
    const { domain, path, tag } = referenceOfName(name) ?? {};
    if (domain === undefined || path === undefined || tag === undefined) return [];
    return [formatFamiliar({ domain, path, tag })];
  });
  return [...new Set(tags)].sort();
}

/** By which digest each repository has the image. */
export function repoDigestsOf(names: readonly string[], targetDigest: string): string[] {
  const digests = names.flatMap((name) => {
    const reference = referenceOfName(name);
    return reference ? [`${familiarName(reference)}@${targetDigest}`] : [];
  });
  return [...new Set(digests)].sort();
}
