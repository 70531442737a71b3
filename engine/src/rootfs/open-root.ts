/** Opening the root of a container, and things in it, by descriptors that no link leads out of. */
import fs from 'node:fs';
import {
  AT_FDCWD,
  close,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  openat,
  openat2,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from '#lib/sys/file';
import { cloneFlags, mountFlags } from '#lib/sys/flags';
import { mount } from '#lib/sys/mount';
import { unshare } from '#lib/sys/namespace';
import { errorCode, StackError } from '#spec/errors';
import { openBeneath } from '../kernel/bind-beneath.ts';
import type { SnapshotMount } from '../container-spec/root-files.ts';
import type { BoundPath, RootView } from './protocol.ts';

const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;

/** A descriptor of the root. Mounts are made in a namespace of the calling thread's own, and go with it. */
export function openRoot(view: RootView): number {
  if (view.kind === 'process') return openDirectory(`/proc/${view.pid}/root`);
  // A thread shares root, working directory and umask with the others until it has its own, which namespaces need.
  unshare(cloneFlags.CLONE_FS);
  unshare(cloneFlags.CLONE_NEWNS);
  mount({ source: null, target: '/', flags: mountFlags.MS_REC | mountFlags.MS_PRIVATE });
  const { mounts, folder, readonly, binds } = view;
  for (const item of mounts) mountSnapshot(item, folder, readonly);
  const root = openDirectory(folder);
  for (const bind of binds) bindInto(root, bind);
  if (binds.length === 0) return root;
  close(root);
  return openDirectory(folder); // what was mounted on top is seen by whoever opens it anew
}

/** The directory or, with `followLast` off, whatever stands at `path`. Throws not_found in docker's words. */
export function openInRoot(
  root: number,
  path: string,
  { followLast }: { followLast: boolean },
): number {
  const flags = O_PATH | O_CLOEXEC | (followLast ? 0 : O_NOFOLLOW);
  try {
    return openat2(root, path === '' ? '.' : path, { flags, resolve });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) {
      throw new StackError('not_found', `Could not find the file ${path} in container`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** A path of this process that means what `fd` is open on. */
export function pathOf(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

function openDirectory(path: string): number {
  return openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

function mountSnapshot(item: SnapshotMount, target: string, readonly: boolean): void {
  const { type, source, options } = item;
  if (type === 'overlay') {
    const data = (readonly ? withoutUpper(options) : options).join(',');
    const flags = readonly ? mountFlags.MS_RDONLY : 0;
    mount({ source: 'overlay', target, type, flags, data });
    return;
  }
  mount({ source, target, flags: mountFlags.MS_BIND | mountFlags.MS_REC });
}

/** An overlay that only looks has no upper directory: what is one elsewhere is its uppermost lower one here. */
function withoutUpper(options: readonly string[]): string[] {
  const value = (name: string): string[] =>
    options
      .filter((option) => option.startsWith(`${name}=`))
      .map((option) => option.slice(name.length + 1));
  const [upper] = value('upperdir');
  const lower = [...(upper === undefined ? [] : [upper]), ...value('lowerdir')].join(':');
  const others = options.filter(
    (option) => !/^(upperdir|lowerdir|workdir)=|^(ro|rw)$/.test(option),
  );
  return [...others, `lowerdir=${lower}`];
}

/** A destination that is not there is made by the start of the container only: then there is nothing to see there. */
function bindInto(root: number, { source, subpath, destination, writable }: BoundPath): void {
  let fd: number;
  try {
    fd = openInRoot(root, destination, { followLast: true });
  } catch {
    return;
  }
  try {
    if (fs.existsSync(source)) {
      const part = subpath === undefined ? undefined : openBeneath(source, subpath);
      const flags = mountFlags.MS_BIND | mountFlags.MS_REC;
      mount({ source: part === undefined ? source : pathOf(part), target: pathOf(fd), flags });
      if (part !== undefined) close(part);
      if (!writable) remountReadonly(root, destination);
    }
  } finally {
    close(fd);
  }
}

function remountReadonly(root: number, destination: string): void {
  const fd = openInRoot(root, destination, { followLast: true });
  try {
    const flags = mountFlags.MS_BIND | mountFlags.MS_REMOUNT | mountFlags.MS_RDONLY;
    mount({ source: null, target: pathOf(fd), flags });
  } finally {
    close(fd);
  }
}
