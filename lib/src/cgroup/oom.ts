/** Out-of-memory kills of a cgroup: how many, and being told about them. */
import fs from 'node:fs';
import path from 'node:path';
import { eventfd, watchEventfd } from '../sys/eventfd.ts';
import { readKeyed, writeCgroupFile } from './cgroup-file.ts';
import { controllerDirectory, unifiedDirectory, type Cgroup } from './layout.ts';

/**
 * How many processes of `cgroup` the kernel has killed for want of memory; 0 if it does not exist. Read it when a
 * process has exited: a notification may still be on its way.
 */
export function oomKills(cgroup: Cgroup): number {
  const directory = controllerDirectory(cgroup, 'memory');
  if (directory === undefined) return 0;
  const file = cgroup.layout.version === 'v2' ? 'memory.events' : 'memory.oom_control';
  return readKeyed(path.join(directory, file)).get('oom_kill') ?? 0;
}

/**
 * Calls `onOom` when the kernel has killed a process of `cgroup` for want of memory. The returned function ends the
 * watch. The cgroup must exist; the watch does not keep the process alive.
 */
export function watchOom(cgroup: Cgroup, onOom: () => void): () => void {
  let seen = oomKills(cgroup);
  const check = () => {
    const kills = oomKills(cgroup);
    if (kills > seen) onOom();
    seen = kills;
  };
  return cgroup.layout.version === 'v2' ? watchV2(cgroup, check) : watchV1(cgroup, check);
}

/** The kernel announces changes of memory.events by inotify. */
function watchV2(cgroup: Cgroup, check: () => void): () => void {
  const file = path.join(unifiedDirectory(cgroup) ?? '', 'memory.events');
  const watcher = fs.watch(file, { persistent: false }, check);
  watcher.on('error', () => {
    watcher.close(); // the cgroup was removed
  });
  return () => watcher.close();
}

/** The kernel writes to an eventfd when a task of the group runs out of memory, which is before it kills one. */
function watchV1(cgroup: Cgroup, check: () => void): () => void {
  const directory = controllerDirectory(cgroup, 'memory');
  if (directory === undefined) return () => undefined;
  const signal = eventfd();
  let stop: (() => void) | undefined;
  try {
    const control = fs.openSync(path.join(directory, 'memory.oom_control'), 'r');
    try {
      writeCgroupFile(path.join(directory, 'cgroup.event_control'), `${signal} ${control}`);
    } finally {
      fs.closeSync(control);
    }
    const timers = new Set<NodeJS.Timeout>();
    const unwatch = watchEventfd(signal, () => {
      check();
      // The kill follows the signal: look again when it must have been counted.
      const timer = setTimeout(() => {
        timers.delete(timer);
        check();
      }, killDelayMs).unref();
      timers.add(timer);
    });
    stop = () => {
      for (const timer of timers) clearTimeout(timer);
      unwatch();
    };
    return stop;
  } finally {
    if (!stop) fs.closeSync(signal);
  }
}

const killDelayMs = 100;
