/** Mount points in the root file system, which `create` makes on its way and criu expects to find. */
import fs from 'node:fs';
import path from 'node:path';
import { AT_FDCWD, close, O_PATH, openat, openat2, RESOLVE_IN_ROOT } from '#lib/sys/file';
import { DirectoryTree, rawPath } from '#lib/unpack/directory-tree';
import { errorCode } from '#spec/errors';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { planMounts, type PlannedMount } from '../compile/mount-plan.ts';

const { O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_WRONLY } = fs.constants;

/**
 * Makes what is missing, without leaving the root whatever links lead where. Mount points inside other mounts are not
 * made: those of a tmpfs lie in the images, those of a bind mount were made when the container was created.
 */
export function makeMountPoints(config: RuntimeConfig, rootfs: string): void {
  const mounts = planMounts({ config });
  const inside = ({ destination }: PlannedMount) =>
    mounts.some((other) => destination.startsWith(`${other.destination}/`));
  const tree = new DirectoryTree(rootfs, () => undefined);
  try {
    for (const mount of mounts) {
      if (!inside(mount) && !exists(rootfs, mount.destination)) makeMountPoint(tree, mount);
    }
  } finally {
    tree.close();
  }
}

function makeMountPoint(tree: DirectoryTree, { destination, type, source = '' }: PlannedMount) {
  const bytes = (text: string) => Buffer.from(text).toString('latin1');
  if (type !== 'bind' || fs.statSync(source).isDirectory()) {
    tree.directory(bytes(destination.slice(1)));
    return;
  }
  const parent = tree.directory(bytes(path.dirname(destination).slice(1)));
  const name = rawPath(bytes(path.basename(destination)));
  close(openat(parent, name, O_CREAT | O_WRONLY | O_NOFOLLOW, 0o755));
}

function exists(rootfs: string, destination: string): boolean {
  const root = openat(AT_FDCWD, rootfs, O_PATH | O_DIRECTORY);
  try {
    close(openat2(root, destination, { flags: O_PATH, resolve: RESOLVE_IN_ROOT }));
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  } finally {
    close(root);
  }
}
