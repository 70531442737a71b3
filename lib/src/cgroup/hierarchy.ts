/** Makes the directories of a cgroup, with what the kernel wants before a process may enter them. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError } from '#spec/errors';
import type { Resources } from '#spec/oci/resources';
import { readCgroupFile, readIfPresent, writeCgroupFile } from './cgroup-file.ts';
import type { Hierarchy } from './layout.ts';

/** Makes `cgroupPath` in a v1 hierarchy; returns the directories that did not exist, outermost first. */
export function makeV1Directories(hierarchy: Hierarchy, cgroupPath: string): string[] {
  const { mountPoint, controllers } = hierarchy;
  const made: string[] = [];
  for (const directory of pathsBelow(mountPoint, cgroupPath)) {
    if (makeDirectory(directory)) made.push(directory);
    // A new cpuset is empty, and a task cannot enter an empty one.
    if (controllers.includes('cpuset')) inheritCpuset(directory);
  }
  return made;
}

function inheritCpuset(directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const own = path.join(directory, file);
    if (readCgroupFile(own) === '') {
      writeCgroupFile(own, readCgroupFile(path.join(path.dirname(directory), file)));
    }
  }
}

/**
 * Makes `cgroupPath` in cgroup v2, with every available controller enabled on the way down (the last directory has no
 * children yet, so nothing is enabled in it). Returns the directories that did not exist, outermost first.
 */
export function makeV2Directories(
  mountPoint: string,
  cgroupPath: string,
  resources: Resources,
): string[] {
  const made: string[] = [];
  let parent = mountPoint;
  for (const directory of pathsBelow(mountPoint, cgroupPath)) {
    enableControllers(parent, neededControllers(resources));
    if (makeDirectory(directory)) made.push(directory);
    parent = directory;
  }
  return made;
}

/** Controllers that must not fail to be enabled, because `resources` sets limits of theirs. */
function neededControllers(resources: Resources): ReadonlySet<string> {
  const needed = new Set<string>();
  if (resources.memory) needed.add('memory');
  if (resources.pids) needed.add('pids');
  if (resources.cpu?.cpus || resources.cpu?.mems) needed.add('cpuset');
  if (resources.cpu?.shares || resources.cpu?.quota) needed.add('cpu');
  return needed;
}

function enableControllers(directory: string, needed: ReadonlySet<string>): void {
  const available = words(readIfPresent(path.join(directory, 'cgroup.controllers')));
  const enabled = new Set(words(readIfPresent(path.join(directory, 'cgroup.subtree_control'))));
  const missing = available.filter((controller) => !enabled.has(controller));
  if (missing.length > 0 && holdsProcesses(directory)) {
    // The kernel would take some of them and make this a threaded domain, whose children nobody can enter.
    const wanted = missing.filter((controller) => needed.has(controller));
    if (wanted.length === 0) return;
    throw new StackError(
      'conflict',
      `cannot limit ${wanted.join(', ')} below ${directory}: there are processes in it`,
    );
  }
  for (const controller of missing) {
    try {
      writeCgroupFile(path.join(directory, 'cgroup.subtree_control'), `+${controller}`);
    } catch (error) {
      // Some cannot be enabled everywhere (cpu with real-time tasks): that matters only to who wants limits.
      if (needed.has(controller)) throw error;
    }
  }
}

/** The root of all groups is the only one that may hold processes and hand out controllers; it has no type. */
function holdsProcesses(directory: string): boolean {
  return (
    fs.existsSync(path.join(directory, 'cgroup.type')) &&
    readIfPresent(path.join(directory, 'cgroup.procs')) !== ''
  );
}

function words(text: string | undefined): string[] {
  return text?.split(' ').filter(Boolean) ?? [];
}

/** `/m/a`, `/m/a/b` for (`/m`, `/a/b`). */
function pathsBelow(mountPoint: string, cgroupPath: string): string[] {
  const names = cgroupPath.split('/').filter(Boolean);
  return names.map((_, index) => path.join(mountPoint, ...names.slice(0, index + 1)));
}

function makeDirectory(directory: string): boolean {
  try {
    fs.mkdirSync(directory, 0o755);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
