/**
 * What one stack holds on the machine, told by its own names, so that others may work beside it: mounts, FIFOs,
 * sockets and records below its root, snapshots, links on its bridge, cgroups and processes of its containers.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { compareMachineStates, readMachineState } from './machine-state.ts';
import type { Stack } from './stack.ts';
import { waitFor } from './wait.ts';

/** Each thing as a line; names that are drawn at random are written as `#`, so that stacks at rest compare equal. */
export type Footprint = string[];

/** Reads what `stack` holds now. `ids` are the containers that it had: their cgroups and processes are looked for. */
export function readFootprint(stack: Stack, ids: readonly string[] = []): Footprint {
  const { mounts, cgroups, processes } = readMachineState();
  const ofContainers = (line: string): boolean => ids.some((id) => line.includes(id));
  return [
    ...mounts.filter((line) => line.includes(stack.root)).map((line) => `mount ${line}`),
    ...cgroups.filter(ofContainers).map((line) => `cgroup ${line}`),
    ...processes
      .filter((line) => line.includes(stack.root) || ofContainers(line))
      .map((line) => `process ${line.replace(/^\d+ \d+ /, '')}`),
    ...fs.readdirSync(`/sys/class/net/${stack.bridge}/brif`).map(() => 'link'),
    ...listFiles(path.join(stack.root, 'run')).map((file) => `file ${file}`),
    ...listFiles(path.join(stack.root, 'data/containers')).map((file) => `file ${file}`),
    ...snapshots(stack).map((name) => `snapshot ${name}`),
  ]
    .map((line) => line.replaceAll(/\b[0-9a-f]{12,64}\b/g, '#'))
    .sort();
}

/** {@link readFootprint} once the stack has given back what it needs no more, and prepared what it keeps ready. */
export async function restingFootprint(
  stack: Stack,
  ids: readonly string[] = [],
): Promise<Footprint> {
  return waitFor('the stack to be at rest', async () => {
    const footprint = readFootprint(stack, ids);
    await delay(500);
    return compare(footprint, readFootprint(stack, ids)).length === 0 && footprint;
  });
}

/** Waits until `stack` holds what it held `before`; returns what still differs after `timeoutMs`. */
export async function settleFootprint(
  stack: Stack,
  before: Footprint,
  ids: readonly string[] = [],
  timeoutMs = 20_000, // shims that have served a container wait 10 s for another one
): Promise<string[]> {
  const deadline = Date.now() + timeoutMs;
  while (true) {
    const after = readFootprint(stack, ids);
    const differences = compare(before, after);
    if (differences.length === 0 || Date.now() > deadline) return differences;
    await delay(100);
  }
}

function compare(before: Footprint, after: Footprint): string[] {
  const empty = { mounts: [], cgroups: [], namespaces: [], links: [], nft: [], fifos: [] };
  return compareMachineStates({ ...empty, processes: before }, { ...empty, processes: after }).map(
    (line) => line.replace(/^processes: /, ''),
  );
}

/** Files of every kind below `folder`, without what an image brings along. */
function listFiles(folder: string): string[] {
  return fs.readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const file = path.join(entry.parentPath, entry.name);
    return entry.isDirectory() || file.includes('/rootfs/') ? [] : [file];
  });
}

/** Folders of the overlay snapshotter are numbered; those of containers are gone with them. */
function snapshots({ root }: Stack): string[] {
  const store = 'data/containerd-lite/io.containerd.snapshotter.v1.overlayfs/snapshots';
  return fs.readdirSync(path.join(root, store)).map(() => 'of overlayfs');
}

/** Memory that a process has for itself alone, in kilobytes; pages of files are shared with whoever else runs Node. */
export function anonymousKilobytes(pid: number): number {
  const rollup = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Anonymous:\s+(\d+) kB$/m.exec(rollup)?.[1]);
}

/** How many descriptors a process has open. */
export function openDescriptors(pid: number): number {
  return fs.readdirSync(`/proc/${pid}/fd`).length;
}

/** The children of a process that have ended and were not waited for. */
export function zombieChildren(parent: number): string[] {
  return fs.readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state === 'Z' && Number(ppid) === parent;
    } catch {
      return false; // it ended
    }
  });
}
