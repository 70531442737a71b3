/** What happens when a container's process has ended: its status is kept, then everything it used is given back. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isStackError } from '#spec/errors';
import { hangUp, outputOf, removeStdio } from '../containerd/fifo.ts';
import type { Container } from './container.ts';
import { publishContainerEvent } from './container-events.ts';
import type { Engine } from './engine.ts';
import { stopHealthChecks } from './health.ts';
import { leaveNetworks } from './network-events.ts';
import type { TaskOutput } from './output.ts';
import { unmountVolumes } from './container-volumes.ts';
import { stdioFolder, stdioFolders } from './paths.ts';
import { releasePrivateMounts } from './private-mounts.ts';
import { removeLocked } from './remove-container.ts';
import { planRestart } from './restart-policy.ts';

/** How a task ended. */
export interface TaskExit {
  pid: number;
  exitCode: number;
  exitedAt: string;
  /** For users, when the real status is not known. */
  error?: string;
}

/** Output of a process that is gone should arrive at once; a descendant that holds a FIFO open must not stop us. */
const drainMs = 3000;

/** Handles an exit once; a second report of the same process is dropped. */
export async function handleExit(
  engine: Engine,
  container: Container,
  exit: TaskExit,
): Promise<void> {
  await container.mutex.run(async () => {
    if (!container.isRunning || container.state.pid !== exit.pid) return;
    container.output ??= await leftOutput(engine, container);
    await exitLocked(engine, container, exit);
  });
}

/**
 * The output of a task that ended before this engine took it up: what it still had to say waits in its FIFOs.
 * Undefined when an earlier engine has read and removed them.
 */
async function leftOutput(
  { paths, logs }: Engine,
  container: Container,
): Promise<TaskOutput | undefined> {
  const folder = stdioFolder(paths, container.id);
  if (!fs.existsSync(path.join(folder, 'stdout'))) return undefined;
  const stdio = outputOf(folder);
  const output = await logs.open(container, stdio);
  hangUp(stdio);
  return output;
}

/** {@link handleExit} for a caller that holds the mutex and knows that the task is over. */
export async function exitLocked(
  engine: Engine,
  container: Container,
  { exitCode, exitedAt, error = '' }: TaskExit,
): Promise<void> {
  const { containers, logger } = engine;
  stopHealthChecks(container);
  await drain(container);
  const ranMs = Date.parse(exitedAt) - Date.parse(container.state.startedAt);
  container.record.state = {
    ...container.state,
    status: 'exited',
    pid: 0,
    exitCode,
    error,
    finishedAt: exitedAt,
  };
  const restart = planRestart(container, ranMs);
  if (restart) container.record.state.status = 'restarting';
  // On disk before containerd forgets it: the status has one owner at every instant.
  await containers.save(container);
  const isReleased = await releaseTask(engine, container);
  publishContainerEvent(engine, container, 'die', {
    exitCode: String(exitCode),
    execDuration: String(Math.max(0, Math.round(ranMs / 1000))),
  });
  for (const execId of container.execIds) engine.execs.endWithContainer(execId);
  container.announceExit();
  if (restart) restart(engine);
  else if (container.record.hostConfig.AutoRemove) {
    await removeLocked(engine, container, { hasTask: !isReleased }).catch((failure: unknown) => {
      logger.error('cannot remove container', { container: container.id, error: failure });
    });
  }
}

async function drain({ output, subscribers }: Container): Promise<void> {
  if (!output) return;
  const limit = new AbortController();
  await Promise.race([
    output.finished,
    delay(drainMs, undefined, { signal: limit.signal }).catch(() => undefined),
  ]);
  limit.abort();
  await output.close();
  // A log driver that ended by itself has told them; an output cut off by close() has not.
  for (const subscriber of subscribers) subscriber.end();
  subscribers.clear();
}

/**
 * Gives back what a running task holds: containerd's task, FIFOs, network. Each is tried even if another fails. Returns
 * whether all is given back.
 */
export async function releaseTask(engine: Engine, container: Container): Promise<boolean> {
  const { client, paths, logger } = engine;
  container.output = undefined;
  container.stdin?.destroy();
  container.stdin = undefined;
  const results = await Promise.allSettled([
    client.tasks.delete({ containerId: container.id }),
    removeStdio(stdioFolders(paths, container.id)),
    leaveNetworks(engine, container.id).finally(() => unmountVolumes(engine, container)),
    releasePrivateMounts(engine, container.id),
  ]);
  for (const result of results) {
    if (result.status === 'rejected' && !isStackError(result.reason, 'not_found')) {
      logger.warn('cannot give back what a container used', {
        container: container.id,
        error: result.reason as unknown,
      });
    }
  }
  return results.every(({ status }) => status === 'fulfilled');
}
