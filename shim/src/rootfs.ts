/** The mounts of a CreateTaskRequest, in the words of mount(8), on <bundle>/rootfs. */
import path from 'node:path';
import { StackError, messageOf } from '#spec/errors';
import { mountFlags, umountFlags } from '#lib/sys/flags';
import { SyscallError } from '#lib/sys/libc';
import { mount, umount2 } from '#lib/sys/mount';
import type { Mount } from '#proto/generated/containerd.types';

const {
  MS_BIND,
  MS_DIRSYNC,
  MS_MANDLOCK,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_STRICTATIME,
  MS_SYNCHRONOUS,
} = mountFlags;

/** Options that are flags; `clear` takes away what an earlier option set. Everything else is the file system's. */
const flagOptions = new Map<string, { set?: number; clear?: number }>([
  ['async', { clear: MS_SYNCHRONOUS }],
  ['atime', { clear: MS_NOATIME }],
  ['bind', { set: MS_BIND }],
  ['defaults', {}],
  ['dev', { clear: MS_NODEV }],
  ['diratime', { clear: MS_NODIRATIME }],
  ['dirsync', { set: MS_DIRSYNC }],
  ['exec', { clear: MS_NOEXEC }],
  ['mand', { set: MS_MANDLOCK }],
  ['noatime', { set: MS_NOATIME }],
  ['nodev', { set: MS_NODEV }],
  ['nodiratime', { set: MS_NODIRATIME }],
  ['noexec', { set: MS_NOEXEC }],
  ['nomand', { clear: MS_MANDLOCK }],
  ['norelatime', { clear: MS_RELATIME }],
  ['nostrictatime', { clear: MS_STRICTATIME }],
  ['nosuid', { set: MS_NOSUID }],
  ['rbind', { set: MS_BIND | MS_REC }],
  ['relatime', { set: MS_RELATIME }],
  ['remount', { set: MS_REMOUNT }],
  ['ro', { set: MS_RDONLY }],
  ['rw', { clear: MS_RDONLY }],
  ['strictatime', { set: MS_STRICTATIME }],
  ['suid', { clear: MS_NOSUID }],
  ['sync', { set: MS_SYNCHRONOUS }],
]);

/** mount(2) copies one page of options. */
const longestData = 4095;

/** Flags and file system data of a mount's options. */
export function parseMountOptions(options: readonly string[]): { flags: number; data: string } {
  let flags = 0;
  const data: string[] = [];
  for (const option of options) {
    const meaning = flagOptions.get(option);
    if (!meaning) data.push(option);
    flags = (flags & ~(meaning?.clear ?? 0)) | (meaning?.set ?? 0);
  }
  return { flags, data: data.join(',') };
}

/** Mounts all or nothing. Throws what the failed mount(2) says, with the mount's source and type. */
export function mountRootfs(mounts: readonly Mount[], rootfs: string): void {
  try {
    for (const one of mounts) mountOne(one, path.join(rootfs, one.target));
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

function mountOne({ type, source, options }: Mount, target: string): void {
  const { flags, data } = parseMountOptions(options);
  if (flags & MS_BIND) {
    mount({ source, target, flags: flags & (MS_BIND | MS_REC) });
    const rest = flags & ~(MS_BIND | MS_REC);
    // A bind mount takes its other flags only by a second call.
    if (rest !== 0) mount({ source: null, target, flags: rest | MS_BIND | MS_REMOUNT });
  } else if (type === 'overlay' && data.length > longestData) {
    mountFromCommonFolder({ source, target, flags, data });
  } else {
    mount({ source, target, type, flags, data: data === '' ? null : data });
  }
}

/** Overlay with more lower directories than fit on a page: by paths relative to the folder that all lie in. */
function mountFromCommonFolder(overlay: {
  source: string;
  target: string;
  flags: number;
  data: string;
}): void {
  const lower = /(?:^|,)lowerdir=([^,]*)/.exec(overlay.data)?.[1]?.split(':') ?? [];
  const common = commonFolder(lower);
  const short = overlay.data.replace(
    /(^|,)lowerdir=[^,]*/,
    (_whole, comma: string) =>
      `${comma}lowerdir=${lower.map((folder) => path.relative(common, folder)).join(':')}`,
  );
  if (short.length > longestData) {
    throw new StackError(
      'resource_exhausted',
      `overlay with ${lower.length} lower directories: mount options are too long`,
    );
  }
  const before = process.cwd();
  process.chdir(common);
  try {
    mount({ ...overlay, type: 'overlay', data: short });
  } finally {
    process.chdir(before);
  }
}

function commonFolder(folders: readonly string[]): string {
  const [first = '/', ...others] = folders.map((folder) => path.dirname(folder));
  let common = first;
  while (!others.every((other) => other === common || other.startsWith(`${common}/`))) {
    common = path.dirname(common);
    if (common === '/') break;
  }
  return common;
}
