/**
 * Bringing what is on disk and what containerd says together, at the start and after every lost connection.
 *
 *   record says     task is         result
 *   running         running         go on: output, stdin
 *   running         stopped         its exit is handled now
 *   running         gone            exit 137, `exit status lost`
 *   anything else   running         the engine died while starting it: it runs
 *   anything else   any other       its start was not finished, or its end: removed
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Process } from '#proto/generated/containerd.v1.types';
import { removeStdio } from '../containerd/fifo.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { unmountVolumes } from './container-volumes.ts';
import { handleExit } from './exit-container.ts';
import { startHealthChecks } from './health.ts';
import { discardTask, removeLeftovers } from './leftovers.ts';
import { stdioFolder, stdioFolders } from './paths.ts';
import { removeLocked } from './remove-container.ts';
import { releasePrivateMounts } from './private-mounts.ts';
import { scheduleRestart, shouldRestart } from './restart-policy.ts';
import { openStdin } from './start-container.ts';
import { now, timeOf } from './timestamps.ts';

const lostExitCode = 137;

/**
 * Reconciles every container with containerd's tasks, and ends what was interrupted. Safe to repeat; each container is
 * handled under its mutex.
 */
export async function reconcileTasks(engine: Engine): Promise<void> {
  // Read before the list is made: what changes meanwhile is not compared with it.
  const known = engine.containers.list().map((container) => {
    const { status, pid } = container.state;
    return { container, status, pid };
  });
  const { tasks } = await engine.client.tasks.list({});
  const byId = new Map(tasks.map((task) => [task.id, task]));
  await Promise.all(
    known.map(async ({ container, status, pid }) => {
      try {
        if (container.state.status !== status || container.state.pid !== pid) return;
        await reconcile(engine, container, byId.get(container.id));
      } catch (error) {
        engine.logger.error('cannot recover container', { container: container.id, error });
      }
    }),
  );
  await finishRemovals(engine);
  await removeLeftovers(engine);
}

async function reconcile(
  engine: Engine,
  container: Container,
  task: Process | undefined,
): Promise<void> {
  const { pid, status } = container.state;
  if (container.isRunning) {
    if (!task) {
      const error = 'exit status lost';
      await handleExit(engine, container, { pid, exitCode: lostExitCode, exitedAt: now(), error });
    } else if (task.status === 'STOPPED') {
      const { exitStatus: exitCode, exitedAt } = task;
      await handleExit(engine, container, { pid, exitCode, exitedAt: timeOf(exitedAt) });
    } else {
      await container.mutex.run(() => adoptLocked(engine, container, task));
    }
    return;
  }
  await container.mutex.run(async () => {
    // A start of this very run may be under way or done since the list was made.
    if (container.state.status !== status || container.output !== undefined) return;
    const runs = task?.status === 'RUNNING' || task?.status === 'PAUSED';
    // Without its FIFOs its start was undone, as far as that went.
    if (runs && fs.existsSync(stdioFolder(engine.paths, container.id))) {
      await adoptLocked(engine, container, task);
    } else if (task) {
      await discardTask(engine, container);
      await unmountVolumes(engine, container);
      await releasePrivateMounts(engine, container.id);
    }
  });
}

/** Takes up a task that runs: its output from where it was left, its stdin. */
async function adoptLocked(engine: Engine, container: Container, task: Process): Promise<void> {
  if (container.output) return; // this process started it
  const { record } = container;
  const stdio = { stdin: task.stdin, stdout: task.stdout, stderr: task.stderr };
  record.state = {
    ...record.state,
    status: task.status === 'PAUSED' || task.status === 'PAUSING' ? 'paused' : 'running',
    pid: task.pid,
    exitCode: 0,
    finishedAt: record.state.finishedAt,
  };
  container.output = await engine.logs.open(container, stdio);
  for (const subscriber of container.subscribers) container.output.subscribe(subscriber);
  openStdin(container, stdio);
  startHealthChecks(engine, container);
  await engine.containers.save(container);
  await removeExecs(engine, container);
  engine.logger.info('adopted running container', { container: container.id, pid: task.pid });
}

/** Nobody waits for execs of an earlier run; what they still hold of ours is given back. */
async function removeExecs({ paths }: Engine, { id }: Container): Promise<void> {
  const folder = stdioFolders(paths, id);
  const init = stdioFolder(paths, id);
  for (const name of await fs.promises.readdir(folder)) {
    const exec = path.join(folder, name);
    if (exec !== init) await removeStdio(exec);
  }
}

/** Finishes removals that an earlier run, or this one without containerd, could not end. */
async function finishRemovals(engine: Engine): Promise<void> {
  const { containers, logger } = engine;
  const isDue = ({ state, record }: Container): boolean =>
    state.status === 'removing' ||
    (record.hostConfig.AutoRemove && ['exited', 'dead'].includes(state.status));
  for (const container of containers.list().filter(isDue)) {
    await container.mutex
      .run(async () => {
        // A removal of this very run may have been under way.
        if (containers.has(container.id) && isDue(container)) await removeLocked(engine, container);
      })
      .catch((error: unknown) => {
        logger.error('cannot finish a removal', { container: container.id, error });
      });
  }
}

/** Applies restart policies, none of which acted while the engine was down. */
export function resumeRestartPolicies(engine: Engine): void {
  for (const container of engine.containers.list()) {
    const { status } = container.state;
    const { Name: policy } = container.record.hostConfig.RestartPolicy;
    const due =
      status === 'restarting' ||
      (status === 'exited' && (policy === 'always' || shouldRestart(container)));
    if (!due) continue;
    container.record.state.status = 'restarting';
    scheduleRestart(engine, container, 0);
  }
}
