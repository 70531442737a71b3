/** The end of a container: its processes, its cgroup, its state, its poststop hooks. */
import fs from 'node:fs';
import { cgroupExists } from '#lib/cgroup/cgroup';
import { killAll, remove, thaw } from '#lib/cgroup/processes';
import { errorCode, messageOf, StackError } from '#spec/errors';
import { recordedCgroup } from '../host/cgroups.ts';
import { isAlive } from './process-identity.ts';
import type { ContainerRecord, StateStore, UnitRecord } from './state-store.ts';
import { hookState } from './status.ts';

const killTimeoutMs = 10_000;
const pollMs = 5;

/** SIGKILL to the first process, and waits until it is gone. Throws deadline_exceeded after 10 seconds. */
export async function killContainer(record: ContainerRecord): Promise<void> {
  const { pid, startTime } = record;
  if (!isAlive(pid, startTime)) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error; // ended by itself
  }
  const cgroup = recordedCgroup(record.cgroupPath);
  if (cgroup && cgroupExists(cgroup)) thaw(cgroup); // on cgroup v1 the frozen do not die
  for (const deadline = Date.now() + killTimeoutMs; isAlive(pid, startTime);) {
    if (Date.now() > deadline) {
      throw new StackError('deadline_exceeded', 'container init still running');
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** What cannot be said to systemd it sees by itself: the unit has no processes any more. */
async function stopUnit(unit: UnitRecord, warn: (message: string) => void): Promise<void> {
  try {
    await (await import('../host/systemd-unit.ts')).stopUnit(unit);
  } catch (error) {
    warn(`cannot stop the unit ${unit.name}: ${messageOf(error)}`);
  }
}

/** Removes the state of a container, and its root where that is mounted there. */
export async function removeState(id: string, store: StateStore): Promise<void> {
  const rootMount = store.rootMount(id);
  if (fs.existsSync(rootMount)) (await import('./root-mount.ts')).detachRoot(rootMount);
  store.remove(id);
}

/** Removes everything of a container whose first process has ended. */
export async function destroyContainer(
  record: ContainerRecord,
  store: StateStore,
  warn: (message: string) => void,
): Promise<void> {
  const cgroup = recordedCgroup(record.cgroupPath);
  if (cgroup && cgroupExists(cgroup)) {
    // Without a pid namespace of its own a container's processes survive the first one.
    await killAll(cgroup);
  }
  if (record.resctrl) (await import('#lib/resctrl/resctrl')).removeResctrl(record.resctrl);
  if (record.unit) await stopUnit(record.unit, warn);
  if (cgroup && cgroupExists(cgroup)) await remove(cgroup);
  await removeState(record.id, store);
  if (!record.config.hooks?.poststop?.length) return;
  const { runHooks } = await import('./hooks.ts');
  // runtime-spec: the container is gone all the same, and the other hooks run
  runHooks(record.config.hooks, 'poststop', hookState(record, 'stopped'), (error) =>
    warn(error.message),
  );
}
