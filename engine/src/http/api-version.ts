/** Versions of the Engine API: which ones are spoken, and how two are compared. */
import { StackError } from '#spec/errors';

/** `major.minor`, as in the path `/v1.45/…`. */
export type ApiVersion = `${number}.${number}`;

/** What a path without a version means, and what `/version` and `_ping` announce. */
export const newestApiVersion: ApiVersion = '1.51';

/** Older clients are refused. */
export const oldestApiVersion: ApiVersion = '1.24';

/** Negative when `a` is older than `b`, 0 when they are equal. Missing parts count as 0. */
export function compareApiVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  for (let part = 0; part < Math.max(left.length, right.length); part++) {
    const difference = (left[part] ?? 0) - (right[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether `version` is `wanted` or newer. */
export function isAtLeast(version: ApiVersion, wanted: ApiVersion): boolean {
  return compareApiVersions(version, wanted) >= 0;
}

/** A client that is older than {@link oldestApiVersion}. */
export class VersionTooOldError extends StackError {}

/** The version in a path, or the newest for a path without one. Refuses those not spoken, in docker's words. */
export function negotiateApiVersion(requested: string | undefined): ApiVersion {
  if (requested === undefined) return newestApiVersion;
  const version = requested as ApiVersion; // digits and dots, and within the bounds below
  if (compareApiVersions(version, oldestApiVersion) < 0) {
    throw new VersionTooOldError(
      'invalid_argument',
      `client version ${version} is too old. Minimum supported API version is ${oldestApiVersion}, please upgrade your client to a newer version`,
    );
  }
  if (compareApiVersions(version, newestApiVersion) > 0) {
    throw new StackError(
      'invalid_argument',
      `client version ${version} is too new. Maximum supported API version is ${newestApiVersion}`,
    );
  }
  return version;
}
