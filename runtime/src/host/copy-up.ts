/** `tmpcopyup`: a tmpfs that begins with what the image has at its place. Filled here, attached by the program. */
import {
  close,
  openat,
  openat2,
  AT_FDCWD,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from '#lib/sys/file';
import { SyscallError } from '#lib/sys/libc';
import { detachedFileSystem } from '#lib/sys/mount-api';
import { messageOf, StackError } from '#spec/errors';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { copyUpDescriptor, planMount, type PlannedMount } from '../compile/mount-plan.ts';
import { copyAttributes, copyTree } from './copy-tree.ts';

/** Fills one tmpfs for each mount that asks for it; the descriptors by the names that the program gave them. */
export function fillCopyUps(config: RuntimeConfig, rootfs: string): Record<string, number> {
  const descriptors: Record<string, number> = {};
  (config.mounts ?? []).forEach((written, index) => {
    if (!written.options?.includes('tmpcopyup')) return;
    const mount = planMount(written, `mounts[${index}]`);
    try {
      descriptors[copyUpDescriptor(mount)] = fill(mount, rootfs);
    } catch (error) {
      const kind = error instanceof StackError ? error.kind : 'internal';
      const message = `${mount.property}.options: "tmpcopyup" of ${mount.destination}: ${messageOf(error)}`;
      throw new StackError(kind, message, { cause: error });
    }
  });
  return descriptors;
}

function fill({ options, destination }: PlannedMount, rootfs: string): number {
  const tree = detachedFileSystem(
    'tmpfs',
    ['source=tmpfs', ...options.superblock, ...options.data],
    options.attributes.set,
  );
  const source = openSource(rootfs, destination);
  if (source === undefined) return tree;
  const root = openat(tree, '.', O_RDONLY | O_DIRECTORY);
  try {
    copyTree(source, root);
    if (!options.data.some((option) => option.startsWith('mode='))) copyAttributes(source, root);
  } finally {
    close(source);
    close(root);
  }
  return tree;
}

/** Undefined when the image has no directory there. */
function openSource(rootfs: string, destination: string): number | undefined {
  const root = openat(AT_FDCWD, rootfs, O_PATH | O_DIRECTORY);
  try {
    const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    const path = destination.slice(1) || '.';
    return openat2(root, path, { flags: O_RDONLY | O_DIRECTORY, resolve });
  } catch (error) {
    if (error instanceof SyscallError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return undefined;
    }
    throw error;
  } finally {
    close(root);
  }
}
