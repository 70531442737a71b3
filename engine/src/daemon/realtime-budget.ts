/**
 * Real-time processor time (cgroup v1). A group can give to those below only what it has itself, and a new group has
 * none: before a container can have some, every group above it must have as much as all its children together.
 */
import fs from 'node:fs';
import path from 'node:path';
import { controllerDirectory, detectCgroups } from '#lib/cgroup/layout';
import { messageOf, StackError } from '#spec/errors';
import type { ResourceConfig } from '../api/resource-config.ts';

const runtimeFile = 'cpu.rt_runtime_us';
const periodFile = 'cpu.rt_period_us';
/** The kernel's own choice for a group. */
const defaultPeriodMicroseconds = 1_000_000;

/**
 * Sees that the groups above `cgroupsPath` have what a container asks for; what they have more stays. Nothing is done
 * for a container that asks for none. Throws resource_exhausted naming the group that cannot have it.
 */
export function allotRealtime(
  cgroupsPath: string,
  {
    CpuRealtimeRuntime: runtime,
    CpuRealtimePeriod: period,
  }: Pick<ResourceConfig, 'CpuRealtimeRuntime' | 'CpuRealtimePeriod'>,
): void {
  if (runtime === 0) return;
  const root = controllerDirectory({ layout: detectCgroups(), path: '/' }, 'cpu');
  if (root === undefined) return;
  const share = runtime / (period || defaultPeriodMicroseconds);
  const names = path.dirname(cgroupsPath).split('/').filter(Boolean);
  const groups = names.map((_, index) => path.join(root, ...names.slice(0, index + 1)));
  // From above: nobody can have more than the group above. Each gives to one more child, which is not in it yet.
  [root, ...groups].forEach((group, index, all) => {
    fs.mkdirSync(group, { recursive: true });
    const next = all[index + 1] ?? path.join(root, cgroupsPath);
    const given = childrenOf(group)
      .filter((child) => child !== next)
      .reduce((sum, child) => sum + shareOf(child), 0);
    // What the next one has already may be for containers that run below it.
    const wanted = given + (index + 1 < all.length ? shareOf(next) : 0) + share;
    raise(group, wanted, runtime);
  });
}

function raise(group: string, wanted: number, runtime: number): void {
  const period = numberIn(group, periodFile);
  const needed = Math.ceil(wanted * period - 1e-6);
  const present = numberIn(group, runtimeFile);
  if (present < 0 || present >= needed) return;
  try {
    fs.writeFileSync(path.join(group, runtimeFile), String(needed));
  } catch (error) {
    throw new StackError(
      'resource_exhausted',
      `cannot allot ${runtime} microseconds of real-time processor time: the group ${group} has ${present} of ${period}, and needs ${needed}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function childrenOf(group: string): string[] {
  return fs
    .readdirSync(group, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => path.join(group, name));
}

/** Part of the time that a group has; 0 for one that is not there. */
function shareOf(group: string): number {
  const runtime = numberIn(group, runtimeFile);
  return runtime > 0 ? runtime / numberIn(group, periodFile) : 0;
}

function numberIn(group: string, file: string): number {
  try {
    return Number(fs.readFileSync(path.join(group, file), 'utf8'));
  } catch {
    return 0; // gone, or not there yet
  }
}
