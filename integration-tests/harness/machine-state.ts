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
    cgroups: readCgroups(),
    namespaces: readNamespaces(),
    links: fs.readdirSync('/sys/class/net').sort(),
    nft: readNft(),
    processes: readProcesses(),
    fifos: fifoFolders.flatMap((folder) => listFifos(folder, 8)).sort(),
  };
}

/** What others on the machine may end or remove at any time; only what is new can be a leak. */
const comesAndGoes: ReadonlySet<keyof MachineState> = new Set([
  'processes',
  'namespaces',
  'cgroups',
  'fifos',
]);

/** Lines like `mounts: + /tmp/x overlay` for what appeared (+) or vanished (-); empty when nothing did. */
export function compareMachineStates(before: MachineState, after: MachineState): string[] {
  return (Object.keys(before) as (keyof MachineState)[]).flatMap((kind) => [
    ...without(after[kind], before[kind]).map((line) => `${kind}: + ${line}`),
    ...(comesAndGoes.has(kind) ? [] : without(before[kind], after[kind])).map(
      (line) => `${kind}: - ${line}`,
    ),
  ]);
}

/** In the environment of this process and of all that it starts, by which they are told from others. */
const marker = 'ENGINE_TEST_RUN';
process.env[marker] ??= `${process.pid}-${Date.now()}`;

/** Daemons and shims whose environment may be gone: they overwrite it with their title. */
const ourCommands =
  /^(engine|engined|containerd|containerd-lite|containerd-shim|dockerd|runtime|runc|crun|conmon|docker-registr)/;

/** Whether a process was started by this run, or lives in a container. Others on the machine are nobody's leak. */
function isOurs(pid: string): boolean {
  try {
    if (fs.readlinkSync(`/proc/${pid}/ns/pid`) !== ownPidNamespace) return true;
    if (ourCommands.test(fs.readFileSync(`/proc/${pid}/comm`, 'utf8'))) return true;
    return fs
      .readFileSync(`/proc/${pid}/environ`, 'utf8')
      .includes(`${marker}=${process.env[marker] ?? ''}`);
  } catch {
    return false; // it ended
  }
}

const ownPidNamespace = fs.readlinkSync('/proc/self/ns/pid');

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

/** What `ip netns add` makes a mount of at its first use, and leaves so. */
const namedNetworkNamespaces = '/run/netns';

/** Mount point, type and source of each mount of this namespace; ids change and are left out. */
function readMounts(): string[] {
  return fs
    .readFileSync('/proc/self/mounts', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, target]) => target !== namedNetworkNamespaces)
    .map(([source = '', target = '', type = '']) => `${target} ${type} ${source}`);
}

/** Every cgroup but those below a group in which somebody else's processes live. */
function readCgroups(): string[] {
  const foreign = foreignGroups();
  return listFolders('/sys/fs/cgroup', 8).filter((folder) => {
    const [, group = ''] = /^\/sys\/fs\/cgroup\/[^/]+\/([^/]+)/.exec(folder) ?? [];
    return !foreign.has(group);
  });
}

/** First components of the cgroups of processes that are not ours. */
function foreignGroups(): Set<string> {
  const groups = new Set<string>();
  for (const pid of pids()) {
    if (isOurs(pid)) continue;
    try {
      for (const line of fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')) {
        const [, , name = ''] = line.split(':');
        if (name !== '/') groups.add(name.split('/')[1] ?? '');
      }
    } catch {
      // it ended
    }
  }
  return groups;
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

/** Every namespace that a process of ours is in, as `net:[4026531840]`. */
function readNamespaces(): string[] {
  const names = new Set<string>();
  for (const pid of pids().filter(isOurs)) {
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

/** `pid start-time command` of the processes that are ours, but for this one. */
function readProcesses(): string[] {
  return pids()
    .filter(isOurs)
    .flatMap((pid) => {
      try {
        const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const command = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
        if (Number(pid) === process.pid) return [];
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
