/** The mounts of a CreateTaskRequest, in the words of mount(8), on <bundle>/rootfs. */
import path from 'node:path';
import { StackError, messageOf } from '#spec/errors';
import { mountWithOptions } from '#lib/mounts/mount-with-options';
import { umountFlags } from '#lib/sys/flags';
import { SyscallError } from '#lib/sys/libc';
import { umount2 } from '#lib/sys/mount';
import type { Mount } from '#proto/generated/containerd.types';

/** Mounts all or nothing. Throws what the failed mount(2) says, with the mount's source and type. */
export function mountRootfs(mounts: readonly Mount[], rootfs: string): void {
  try {
    for (const one of mounts) mountWithOptions(one, path.join(rootfs, one.target));
  } catch (error) {
    unmountRootfs(rootfs);
    throw new StackError(
      error instanceof StackError ? error.kind : 'internal',
      `failed to mount rootfs component: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** Takes every mount off `rootfs`, however many lie on each other there. A busy one disappears with its last user. */
export function unmountRootfs(rootfs: string): void {
  while (true) {
    try {
      umount2(rootfs, umountFlags.MNT_DETACH | umountFlags.UMOUNT_NOFOLLOW);
    } catch (error) {
      if (error instanceof SyscallError && ['EINVAL', 'ENOENT'].includes(error.code)) return; // nothing is mounted
      throw error;
    }
  }
}
