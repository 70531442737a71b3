/** What a container is doing, and the state JSON that `state` prints and hooks read. */
import fs from 'node:fs';
import { detectCgroups } from '#lib/cgroup/layout';
import { openCgroup } from '#lib/cgroup/cgroup';
import { isFrozen } from '#lib/cgroup/processes';
import { errorCode } from '#spec/errors';
import { ociVersion } from '#spec/oci/version';
import { isAlive } from './process-identity.ts';
import type { ContainerRecord, StateStore } from './state-store.ts';

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

export function statusOf(record: ContainerRecord, store: StateStore): Status {
  const { creator } = record;
  if (record.pid === 0 && creator && isAlive(creator.pid, creator.startTime)) return 'creating';
  if (!isAlive(record.pid, record.startTime)) return 'stopped';
  // First, because a container can also be paused before it was started.
  if (isPaused(record)) return 'paused';
  return fs.existsSync(store.fifo(record.id)) && isWaiting(record.pid) ? 'created' : 'running';
}

/** What the loader calls itself until it executes the user's command. */
const loaderName = 'runtime\n';

/** Whether the first process still waits for `start`: one that was killed halfway left the fifo of a running container. */
export function isWaiting(pid: number): boolean {
  try {
    return fs.readFileSync(`/proc/${pid}/comm`, 'utf8') === loaderName;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return false; // it ended
    throw error;
  }
}

function isPaused({ cgroupPath }: ContainerRecord): boolean {
  if (cgroupPath === undefined) return false;
  return isFrozen(openCgroup(detectCgroups(), cgroupPath));
}

/** runtime-spec runtime.md, "State", with the fields that runc adds. */
export interface ContainerState {
  ociVersion: string;
  id: string;
  /** 0 for a stopped container. */
  pid: number;
  status: Status;
  bundle: string;
  rootfs: string;
  created: string;
  annotations?: Record<string, string>;
  owner: string;
}

export function containerState(record: ContainerRecord, status: Status): ContainerState {
  const { annotations } = record.config;
  return {
    ociVersion,
    id: record.id,
    pid: status === 'stopped' ? 0 : record.pid,
    status,
    bundle: record.bundle,
    rootfs: record.rootfs,
    created: record.created,
    ...(annotations && { annotations }),
    owner: record.ownerUid === 0 ? '' : String(record.ownerUid),
  };
}

/** What hooks get on stdin. */
export function hookState(record: ContainerRecord, status: Status): string {
  const { ociVersion, id, pid, bundle, annotations } = containerState(record, status);
  return JSON.stringify({
    ociVersion,
    id,
    status,
    ...(status !== 'stopped' && { pid }),
    bundle,
    ...(annotations && { annotations }),
  });
}
