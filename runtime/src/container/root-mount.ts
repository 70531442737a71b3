/**
 * The root of a container that shares the mount namespace of its runtime. Elsewhere the end of the namespace takes all
 * mounts with it; here the runtime has to: the root is attached below the container's state, where nothing else is.
 */
import fs from 'node:fs';
import { umountFlags } from '#lib/sys/flags';
import { umount2 } from '#lib/sys/mount';
import { errorCode } from '#spec/errors';

/** Takes the root off with everything that is mounted in it. Without one it does nothing. */
export function detachRoot(rootMount: string): void {
  if (!fs.existsSync(rootMount)) return;
  try {
    umount2(rootMount, umountFlags.MNT_DETACH | umountFlags.UMOUNT_NOFOLLOW);
  } catch (error) {
    if (errorCode(error) !== 'EINVAL') throw error; // not mounted, or not any more
  }
}
