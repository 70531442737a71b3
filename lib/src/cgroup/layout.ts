/** Which cgroup hierarchies this machine has and where they are mounted. Reads /proc/self/mountinfo, nothing else. */
import fs from 'node:fs';
import path from 'node:path';
import { parseMountinfo } from '#lib/mounts/mountinfo';
import { StackError } from '#spec/errors';

/** One mounted hierarchy of cgroup v1. */
export interface Hierarchy {
  readonly mountPoint: string;
  /** `memory`, `cpu` and `cpuacct` together, or `name=systemd`. */
  readonly controllers: readonly string[];
}

/**
 * `v1`: hierarchies per controller. `hybrid`: those, and cgroup v2 for the rest (no controllers there).
 * `v2`: one hierarchy for all.
 */
export interface CgroupLayout {
  readonly version: 'v1' | 'hybrid' | 'v2';
  /** Empty for v2. */
  readonly hierarchies: readonly Hierarchy[];
  /** Mount point of cgroup v2; absent for v1. */
  readonly unified?: string;
}

/** A cgroup: the same `path` in every hierarchy. A plain value; nothing needs to be closed. */
export interface Cgroup {
  readonly layout: CgroupLayout;
  /** From the hierarchy's root, such as `/docker/4f2a…`. */
  readonly path: string;
}

/** What was found the last time: a command asks several times, and the mounts seldom change. */
let latest: { readonly mountinfo: string; readonly layout: CgroupLayout } | undefined;

/** Throws unavailable when no cgroup file system is mounted. `mountinfo` is for tests. */
export function detectCgroups(
  mountinfo: string = fs.readFileSync('/proc/self/mountinfo', 'utf8'),
): CgroupLayout {
  if (latest?.mountinfo !== mountinfo) latest = { mountinfo, layout: parseLayout(mountinfo) };
  return latest.layout;
}

function parseLayout(mountinfo: string): CgroupLayout {
  const hierarchies: Hierarchy[] = [];
  let unified: string | undefined;
  for (const { mountPoint, type, superOptions } of parseMountinfo(mountinfo)) {
    // What a container bind-mounted elsewhere is not ours to use.
    if (mountPoint !== '/sys/fs/cgroup' && !mountPoint.startsWith('/sys/fs/cgroup/')) continue;
    if (type === 'cgroup2') unified ??= mountPoint;
    if (type !== 'cgroup') continue;
    const controllers = superOptions.filter((option) => !mountOptions.has(option));
    const known = hierarchies.some((other) => other.controllers[0] === controllers[0]);
    if (!known && controllers.length > 0) hierarchies.push({ mountPoint, controllers });
  }
  if (hierarchies.length > 0) {
    return unified === undefined
      ? { version: 'v1', hierarchies }
      : { version: 'hybrid', hierarchies, unified };
  }
  if (unified === undefined) {
    throw new StackError('unavailable', 'no cgroup file system is mounted under /sys/fs/cgroup');
  }
  return { version: 'v2', hierarchies, unified };
}

/** Super block options of a v1 hierarchy that name no controller. */
const mountOptions = new Set(['rw', 'ro', 'xattr', 'clone_children', 'noprefix', 'cpuset_v2_mode']);

/** The directory of `cgroup` that has the files of `controller`; undefined where the machine has no such hierarchy. */
export function controllerDirectory(cgroup: Cgroup, controller: string): string | undefined {
  const { layout, path: cgroupPath } = cgroup;
  if (layout.version === 'v2') return unifiedDirectory(cgroup);
  const hierarchy = layout.hierarchies.find(({ controllers }) => controllers.includes(controller));
  return hierarchy && path.join(hierarchy.mountPoint, cgroupPath);
}

/** The directory of `cgroup` in cgroup v2; undefined on pure v1. */
export function unifiedDirectory({ layout, path: cgroupPath }: Cgroup): string | undefined {
  return layout.unified === undefined ? undefined : path.join(layout.unified, cgroupPath);
}

/** All directories of `cgroup`, one for each hierarchy. A process joins by being written to `cgroup.procs` of each. */
export function cgroupDirectories(cgroup: Cgroup): string[] {
  const mountPoints = cgroup.layout.hierarchies.map(({ mountPoint }) => mountPoint);
  if (cgroup.layout.unified !== undefined) mountPoints.push(cgroup.layout.unified);
  return mountPoints.map((mountPoint) => path.join(mountPoint, cgroup.path));
}
