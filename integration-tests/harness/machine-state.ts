/**
 * What a test may leave behind on a machine: mounts, cgroups, namespaces, links, nft tables, processes, FIFOs.
 * Written once, used around the whole suite, by `make run` and by whoever doubts a test.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Each kind of thing as a list of lines, one per thing, comparable as text. */
export interface MachineState {
  mounts: string[];
  cgroups: string[];
  namespaces: string[];
  links: string[];
  nft: string[];
  processes: string[];
  fifos: string[];
}

/** Folders that hold run-time state of ours or of the peers; FIFOs elsewhere are somebody else's. */
const fifoFolders = ['/run', '/tmp', '/var/lib'];

/** Reads the machine as it is now. Processes of this test run itself (our own descendants' tools) are left out. */
export function readMachineState(): MachineState {
  return {
    mounts: readMounts(),
    cgroups: listFolders('/sys/fs/cgroup', 8),
    namespaces: readNamespaces(),
    links: fs.readdirSync('/sys/class/net').sort(),
    nft: readNft(),
    processes: readProcesses(),
    fifos: fifoFolders.flatMap((folder) => listFifos(folder, 8)).sort(),
  };
}

/** Lines like `mounts: + /tmp/x overlay` for what appeared (+) or vanished (-); empty when nothing did. */
export function compareMachineStates(before: MachineState, after: MachineState): string[] {
  return (Object.keys(before) as (keyof MachineState)[]).flatMap((kind) => [
    ...without(after[kind], before[kind]).map((line) => `${kind}: + ${line}`),
    ...without(before[kind], after[kind]).map((line) => `${kind}: - ${line}`),
  ]);
}

/**
 * Waits until the machine looks as `before`, because kernels and daemons clean up a little after they answer.
 * Returns what still differs after `timeoutMs`. `view` leaves out what may change, as it was left out of `before`.
 */
export async function settleTo(
  before: MachineState,
  timeoutMs = 10_000,
  view: (state: MachineState) => MachineState = (state) => state,
): Promise<string[]> {
  const deadline = Date.now() + timeoutMs;
  while (true) {
    const differences = compareMachineStates(before, view(readMachineState()));
    if (differences.length === 0 || Date.now() > deadline) return differences;
    await delay(200);
  }
}

/** The lines of `a` that are not in `b`, counting repeats. */
function without(a: readonly string[], b: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of b) left.set(line, (left.get(line) ?? 0) + 1);
  return a.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}

/** Mount point, type and source of each mount of this namespace; ids change and are left out. */
function readMounts(): string[] {
  return fs
    .readFileSync('/proc/self/mounts', 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [source, target, type] = line.split(' ');
      return `${target ?? ''} ${type ?? ''} ${source ?? ''}`;
    });
}

function listFolders(folder: string, depth: number): string[] {
  if (depth === 0) return [];
  return readEntries(folder)
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => {
      const child = path.join(folder, entry.name);
      return [child, ...listFolders(child, depth - 1)];
    });
}

function listFifos(folder: string, depth: number): string[] {
  if (depth === 0) return [];
  return readEntries(folder).flatMap((entry) => {
    const child = path.join(folder, entry.name);
    if (entry.isFIFO()) return [child];
    // Image trees are large and hold no FIFO that a daemon made.
    if (!entry.isDirectory() || entry.name === 'fs' || entry.name === 'rootfs') return [];
    return listFifos(child, depth - 1);
  });
}

function readEntries(folder: string): fs.Dirent[] {
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // it vanished, or belongs to a container that is going away
  }
}

/** Every namespace that a process is in, as `net:[4026531840]`. */
function readNamespaces(): string[] {
  const names = new Set<string>();
  for (const pid of pids()) {
    for (const entry of readEntries(`/proc/${pid}/ns`)) {
      try {
        names.add(fs.readlinkSync(`/proc/${pid}/ns/${entry.name}`));
      } catch {
        // the process ended
      }
    }
  }
  return [...names].sort();
}

/** The ruleset without counters and handles; empty where nft is not installed. */
function readNft(): string[] {
  try {
    const ruleset = execFileSync('nft', ['-s', 'list', 'ruleset'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return ruleset.split('\n').filter((line) => line.trim() !== '');
  } catch {
    return [];
  }
}

/** `pid start-time command`, without kernel threads and without the tools a test itself is running right now. */
function readProcesses(): string[] {
  return pids().flatMap((pid) => {
    try {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const command = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
      if (pid === '2' || fields[1] === '2' || Number(pid) === process.pid) return [];
      return [`${pid} ${fields[19] ?? ''} ${command} ${commandLine(pid)}`];
    } catch {
      return []; // it ended
    }
  });
}

function commandLine(pid: string): string {
  return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim().slice(0, 200);
}

function pids(): string[] {
  return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
}
