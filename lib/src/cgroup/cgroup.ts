/** Making a cgroup in every hierarchy and giving it limits. Nothing here loads koffi, except v2 for devices. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError, errorCode } from '#spec/errors';
import type { Resources } from '#spec/oci/resources';
import { makeV1Directories, makeV2Directories } from './hierarchy.ts';
import { cgroupDirectories, unifiedDirectory, type Cgroup, type CgroupLayout } from './layout.ts';
import { applyV1 } from './v1-resources.ts';
import { applyV2 } from './v2-resources.ts';
import type { Warn } from './warn.ts';

const silent: Warn = () => undefined;

/**
 * Makes the cgroup `cgroupPath` with its parents, and applies `resources`. If anything fails, the directories that
 * were made are removed again. One that exists is used as it is. Throws invalid_argument for limits this machine
 * cannot hold, and what the kernel says, with the name of the file.
 */
export function createCgroup(
  layout: CgroupLayout,
  cgroupPath: string,
  resources: Resources,
  warn: Warn = silent,
): Cgroup {
  const cgroup = openCgroup(layout, cgroupPath);
  const made: string[] = [];
  try {
    for (const hierarchy of layout.hierarchies) {
      made.push(...makeV1Directories(hierarchy, cgroup.path));
    }
    if (layout.unified !== undefined) {
      made.push(...makeV2Directories(layout.unified, cgroup.path, resources));
    }
    applyResources(cgroup, resources, warn);
    return cgroup;
  } catch (error) {
    for (const directory of made.toReversed()) removeQuietly(directory);
    throw error;
  }
}

/** The cgroup at `cgroupPath`, whether it exists or not. Throws invalid_argument for a path that leaves the hierarchy. */
export function openCgroup(layout: CgroupLayout, cgroupPath: string): Cgroup {
  const normal = path.posix.normalize(`/${cgroupPath}`);
  if (normal === '/' || cgroupPath.split('/').includes('..') || cgroupPath.includes('\0')) {
    throw new StackError('invalid_argument', `"${cgroupPath}" is not the path of a cgroup`);
  }
  return { layout, path: normal.replace(/\/$/, '') };
}

/** Sets the limits that `resources` names on an existing cgroup and leaves the others as they are. */
export function applyResources(cgroup: Cgroup, resources: Resources, warn: Warn = silent): void {
  const unified = unifiedDirectory(cgroup);
  if (cgroup.layout.version === 'v2' && unified !== undefined) applyV2(unified, resources, warn);
  else applyV1(cgroup, resources, warn);
}

/** Whether any hierarchy has a directory for `cgroup`. */
export function cgroupExists(cgroup: Cgroup): boolean {
  return cgroupDirectories(cgroup).some((directory) => fs.existsSync(directory));
}

function removeQuietly(directory: string): void {
  try {
    fs.rmdirSync(directory);
  } catch (error) {
    // Somebody else made a group inside it, or removed it already: then it is theirs.
    const code = errorCode(error);
    if (code !== 'EBUSY' && code !== 'ENOTEMPTY' && code !== 'ENOENT') throw error;
  }
}
