/** The processes of a cgroup: listing, killing, freezing, and removing the group when they are gone. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StackError, errorCode } from '#spec/errors';
import { readCgroupFile, readIfPresent, writeCgroupFile, writeIfPresent } from './cgroup-file.ts';
import { cgroupDirectories, controllerDirectory, unifiedDirectory, type Cgroup } from './layout.ts';

const pollMs = 5;
const freezeTimeoutMs = 10_000;
const removeTimeoutMs = 10_000;

/** Pids, as seen from here, of all processes in `cgroup` and the groups below it; empty if it does not exist. */
export function pids(cgroup: Cgroup): number[] {
  const directory = processDirectory(cgroup);
  if (directory === undefined) return [];
  const found = descendants(directory).flatMap((group) =>
    (readIfPresent(path.join(group, 'cgroup.procs')) ?? '').split('\n').filter(Boolean),
  );
  return [...new Set(found.map(Number))];
}

/**
 * The files to which a process that has one thread writes "0" in order to enter `cgroup`: one for each hierarchy.
 *
 * That is `tasks` where it can be. For `cgroup.procs` the kernel keeps all processes from forking meanwhile, by a lock
 * that waits for an RCU grace period, often 10 ms; for the thread that writes it needs no lock. cgroup v2 has
 * cgroup.procs alone; it is also the only one that an ordinary user is sure to be given.
 */
export function joinFiles(cgroup: Cgroup): string[] {
  const unified = unifiedDirectory(cgroup);
  const isRoot = process.geteuid?.() === 0;
  return cgroupDirectories(cgroup).map((directory) =>
    path.join(directory, isRoot && directory !== unified ? 'tasks' : 'cgroup.procs'),
  );
}

/** Moves the process `pid` into `cgroup`, in every hierarchy. */
export function addProcess(cgroup: Cgroup, pid: number): void {
  for (const directory of cgroupDirectories(cgroup)) {
    writeCgroupFile(path.join(directory, 'cgroup.procs'), pid);
  }
}

/**
 * Stops every process of `cgroup` where it is, and answers when they have stopped. Throws deadline_exceeded (and
 * thaws) when that takes longer than 10 seconds.
 */
export async function freeze(cgroup: Cgroup): Promise<void> {
  const freezer = freezerOf(cgroup);
  const deadline = Date.now() + freezeTimeoutMs;
  freezer.request(true);
  while (!freezer.isFrozen()) {
    if (Date.now() > deadline) {
      freezer.request(false);
      throw new StackError('deadline_exceeded', `cgroup ${cgroup.path} did not freeze`);
    }
    await sleep(pollMs);
    // v1: a process that forked meanwhile is caught by asking again.
    if (!freezer.isFrozen()) freezer.request(true);
  }
}

/** Lets the processes of `cgroup` go on. One that is gone (systemd removes those of its units) has none. */
export function thaw(cgroup: Cgroup): void {
  freezerOf(cgroup).request(false);
}

/** Whether `cgroup` is frozen (or about to be); false if it does not exist. */
export function isFrozen(cgroup: Cgroup): boolean {
  return freezerOf(cgroup).isRequested();
}

/**
 * Sends `signal` (9 by default) to every process of `cgroup`. SIGKILL reaches all, also what forks meanwhile:
 * by cgroup.kill where the kernel has it, else again and again. Answers when nobody is left; throws deadline_exceeded
 * after 10 seconds.
 */
export async function killAll(cgroup: Cgroup, signal = 9): Promise<void> {
  if (signal !== 9) {
    for (const pid of pids(cgroup)) sendSignal(pid, signal);
    return;
  }
  const kill = killFile(cgroup);
  if (kill !== undefined && isComplete(cgroup)) writeIfPresent(kill, 1);
  const deadline = Date.now() + removeTimeoutMs;
  // What the v1 freezer holds dies when it is thawed; v2 kills the frozen, too.
  if (cgroup.layout.version !== 'v2' && isFrozen(cgroup)) thaw(cgroup);
  for (let left = pids(cgroup); left.length > 0; left = pids(cgroup)) {
    for (const pid of left) sendSignal(pid, 9);
    if (Date.now() > deadline) {
      throw new StackError(
        'deadline_exceeded',
        `processes ${left.join(', ')} of cgroup ${cgroup.path} did not die`,
      );
    }
    await sleep(pollMs);
  }
}

/**
 * Removes `cgroup` and the groups below it, innermost first; waits for processes that are just dying. One that does
 * not exist is success. Throws conflict while processes live in it.
 */
export async function remove(cgroup: Cgroup): Promise<void> {
  const deadline = Date.now() + removeTimeoutMs;
  for (const directory of cgroupDirectories(cgroup)) {
    while (!removeTree(directory)) {
      const left = pids(cgroup);
      if (Date.now() > deadline) {
        throw new StackError(
          'conflict',
          `cannot remove ${directory}: in use${left.length > 0 ? ` by ${left.join(', ')}` : ''}`,
        );
      }
      await sleep(pollMs);
    }
  }
}

/** False if a directory is still busy. */
function removeTree(directory: string): boolean {
  try {
    for (const group of descendants(directory).toReversed()) fs.rmdirSync(group);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return true;
    if (code === 'EBUSY' || code === 'ENOTEMPTY') return false;
    throw error;
  }
}

/** `directory` and all groups below it, outer ones first; empty if it does not exist. */
function descendants(directory: string): string[] {
  try {
    const inner = fs
      .readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory());
    return [directory, ...inner.flatMap(({ name }) => descendants(path.join(directory, name)))];
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []; // removed meanwhile
    throw error;
  }
}

/** A directory whose cgroup.procs tells the whole truth: any hierarchy will do. */
function processDirectory(cgroup: Cgroup): string | undefined {
  if (cgroup.layout.version === 'v2') return unifiedDirectory(cgroup);
  for (const controller of ['freezer', 'pids', 'memory', 'cpu', 'devices']) {
    const directory = controllerDirectory(cgroup, controller);
    if (directory !== undefined && fs.existsSync(directory)) return directory;
  }
  return cgroupDirectories(cgroup).find((directory) => fs.existsSync(directory));
}

function killFile(cgroup: Cgroup): string | undefined {
  const unified = unifiedDirectory(cgroup);
  if (unified === undefined) return undefined;
  const file = path.join(unified, 'cgroup.kill');
  return fs.existsSync(file) ? file : undefined;
}

/** Whether cgroup v2 knows all processes of the group: on a hybrid machine they may be in the v1 hierarchies only. */
function isComplete(cgroup: Cgroup): boolean {
  const unified = unifiedDirectory(cgroup);
  if (cgroup.layout.version === 'v2') return true;
  if (unified === undefined) return false;
  const known = new Set(
    descendants(unified).flatMap((group) =>
      (readIfPresent(path.join(group, 'cgroup.procs')) ?? '').split('\n'),
    ),
  );
  return pids(cgroup).every((pid) => known.has(String(pid)));
}

function sendSignal(pid: number, signal: number): void {
  if (pid <= 0) return; // a process of an outer pid namespace shows as 0, and 0 is our own group
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

interface Freezer {
  request(frozen: boolean): void;
  isFrozen(): boolean;
  isRequested(): boolean;
}

function freezerOf(cgroup: Cgroup): Freezer {
  if (cgroup.layout.version === 'v2') return v2Freezer(unifiedDirectory(cgroup) ?? '');
  const directory = controllerDirectory(cgroup, 'freezer');
  if (directory === undefined) {
    throw new StackError('unimplemented', 'this machine has no cgroup controller "freezer"');
  }
  const file = path.join(directory, 'freezer.state');
  return {
    request: (frozen) => {
      if (frozen) writeCgroupFile(file, 'FROZEN');
      else writeIfPresent(file, 'THAWED');
    },
    isFrozen: () => readCgroupFile(file) === 'FROZEN',
    isRequested: () => ['FROZEN', 'FREEZING'].includes(readIfPresent(file) ?? ''),
  };
}

function v2Freezer(directory: string): Freezer {
  const file = path.join(directory, 'cgroup.freeze');
  return {
    request: (frozen) => {
      if (frozen) writeCgroupFile(file, 1);
      else writeIfPresent(file, 0);
    },
    isFrozen: () => /^frozen 1$/m.test(readCgroupFile(path.join(directory, 'cgroup.events'))),
    isRequested: () => readIfPresent(file) === '1',
  };
}
