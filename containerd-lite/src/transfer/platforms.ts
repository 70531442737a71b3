/** Which platforms of an index a transfer is about. */
import type { Platform as WirePlatform } from '#proto/generated/containerd.types';
import { platformMatches } from '#lib/registry/platform';
import type { Descriptor, Platform } from '#spec/oci/image';

/** A platform as clients send it. */
export function platformOf({ os, architecture, variant, osVersion }: WirePlatform): Platform {
  return {
    os,
    architecture,
    ...(variant !== '' && { variant }),
    ...(osVersion !== '' && { 'os.version': osVersion }),
  };
}

/** Whether a manifest is wanted; all are where nothing is said, by the client or in the index. */
export function isWanted(platforms: readonly Platform[], { platform }: Descriptor): boolean {
  if (platforms.length === 0 || !platform) return true;
  return platforms.some((wanted) => platformMatches(wanted, platform));
}

/** The wanted ones among an index's manifests, those of the first platform first, at most `limit` (0: all). */
export function selectWanted(
  manifests: readonly Descriptor[],
  platforms: readonly Platform[],
  limit: number,
): Descriptor[] {
  const rank = ({ platform }: Descriptor) => {
    const found = platforms.findIndex((wanted) => platform && platformMatches(wanted, platform));
    return found < 0 ? platforms.length : found;
  };
  const wanted = manifests.filter((manifest) => isWanted(platforms, manifest));
  if (limit === 0) return wanted;
  return wanted.toSorted((a, b) => rank(a) - rank(b)).slice(0, limit);
}
