/** A mount as containerd describes it (containerd.types.Mount): its options in the words of mount(8). */
import fs from 'node:fs';
import path from 'node:path';
import { StackError } from '#spec/errors';
import { mountFlags, umountFlags } from '#lib/sys/flags';
import { mount, umount2 } from '#lib/sys/mount';

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

/** What is mounted; `type` counts only without `bind` among the options. */
export interface MountSpecification {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

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

/** Mounts on `target`, in the mount namespace of the calling thread. Throws what mount(2) says; then nothing is mounted. */
export function mountWithOptions(
  { type, source, options }: MountSpecification,
  target: string,
): void {
  const { flags, data } = parseMountOptions(options);
  if (flags & MS_BIND) {
    mount({ source, target, flags: flags & (MS_BIND | MS_REC) });
    const rest = flags & ~(MS_BIND | MS_REC);
    if (rest === 0) return;
    try {
      // A bind mount takes its other flags only by a second call.
      mount({ source: null, target, flags: rest | MS_BIND | MS_REMOUNT });
    } catch (error) {
      umount2(target, umountFlags.MNT_DETACH);
      throw error;
    }
  } else if (type === 'overlay' && data.length > longestData) {
    mountWithShortPaths({ source, target, flags, data });
  } else {
    mount({ source, target, type, flags, data: data === '' ? null : data });
  }
}

/**
 * Overlay with more lower directories than fit on a page: by paths below a descriptor of the folder that all lie in.
 * (A change of directory would do as well, but concerns all threads.)
 */
function mountWithShortPaths(overlay: {
  source: string;
  target: string;
  flags: number;
  data: string;
}): void {
  const lower = /(?:^|,)lowerdir=([^,]*)/.exec(overlay.data)?.[1]?.split(':') ?? [];
  const common = commonFolder(lower);
  const fd = fs.openSync(common, 'r');
  try {
    const short = overlay.data.replace(
      /(^|,)lowerdir=[^,]*/,
      (_whole, comma: string) =>
        `${comma}lowerdir=${lower.map((folder) => `/proc/self/fd/${fd}/${path.relative(common, folder)}`).join(':')}`,
    );
    if (short.length > longestData) {
      throw new StackError(
        'resource_exhausted',
        `overlay with ${lower.length} lower directories: mount options are too long`,
      );
    }
    mount({ ...overlay, type: 'overlay', data: short });
  } finally {
    fs.closeSync(fd);
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
