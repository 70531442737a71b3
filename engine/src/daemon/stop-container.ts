/** Stopping, killing, restarting, pausing. */
import { isStackError, messageOf, StackError } from '#spec/errors';
import { parseSignal, signalName } from '#spec/signals';
import type { Container } from './container.ts';
import { publishContainerEvent } from './container-events.ts';
import type { Engine } from './engine.ts';
import { cancelRestart, startContainer } from './start-container.ts';

const SIGKILL = 9;
const SIGTERM = 15;
const defaultStopSeconds = 10;
/** After SIGKILL only an uninterruptible process is left; say so rather than wait for ever. */
const killMs = 10_000;

export interface StopOptions {
  /** Name or number; the container's own, then SIGTERM. */
  signal?: string;
  /** Until SIGKILL; -1 waits for ever. */
  seconds?: number;
}

/** Signals, waits, kills. Throws not_modified when it does not run. */
export async function stopContainer(
  engine: Engine,
  container: Container,
  { signal, seconds }: StopOptions = {},
): Promise<void> {
  const { config } = container.record;
  const number = parseSignal(signal || config.StopSignal || String(SIGTERM));
  const limit = seconds ?? config.StopTimeout ?? defaultStopSeconds;
  container.record.manuallyStopped = true;
  if (container.state.status === 'restarting') {
    await stopRestarting(engine, container);
    return;
  }
  if (!container.isRunning) throw new StackError('not_modified', 'container is already stopped');
  const paused = container.state.status === 'paused';
  const done = container.nextExit();
  await signalTask(engine, container, number);
  if (paused) await resumeQuietly(engine, container);
  if (limit < 0) await done;
  else if (!(await within(done, limit * 1000))) await kill(engine, container, done);
  publishContainerEvent(engine, container, 'stop');
}

/** Sends a signal; SIGKILL also waits for the end. Throws conflict when it does not run. */
export async function killContainer(
  engine: Engine,
  container: Container,
  signal: string,
): Promise<void> {
  const number = signal === '' ? SIGKILL : parseSignal(signal);
  if (container.state.status === 'restarting') {
    await stopRestarting(engine, container);
    return;
  }
  if (!container.isRunning) throw notRunning(container, 'cannot kill container');
  const { StopSignal } = container.record.config;
  const stops = parseSignal(StopSignal || String(SIGTERM));
  if (number === SIGKILL || number === stops) container.record.manuallyStopped = true;
  const paused = container.state.status === 'paused';
  if (number !== SIGKILL) {
    await signalTask(engine, container, number);
    // dockerd's rule: unless the signal is known not to be the one that stops it.
    if (paused && (!StopSignal || number === stops)) await resumeQuietly(engine, container);
    return;
  }
  const done = container.nextExit();
  await signalTask(engine, container, SIGKILL);
  // A frozen process does not even die.
  if (paused) await resumeQuietly(engine, container);
  await kill(engine, container, done, false);
}

/** Stops if it runs, then starts. */
export async function restartContainer(
  engine: Engine,
  container: Container,
  options: StopOptions,
): Promise<void> {
  try {
    await stopContainer(engine, container, options);
  } catch (error) {
    if (!isStackError(error, 'not_modified')) throw error;
  }
  await startContainer(engine, container);
  publishContainerEvent(engine, container, 'restart');
}

/** Freezes all processes of a container. Throws conflict unless it runs. */
export async function pauseContainer(engine: Engine, container: Container): Promise<void> {
  await container.mutex.run(async () => {
    if (container.state.status === 'paused') {
      throw new StackError('conflict', `Container ${container.id} is already paused`);
    }
    if (container.state.status !== 'running') throw notRunning(container, 'cannot pause container');
    const { tasks } = engine.client;
    await whileRunning(engine, container, 'cannot pause container', (task) => tasks.pause(task));
    container.record.state.status = 'paused';
    await engine.containers.save(container);
    publishContainerEvent(engine, container, 'pause');
  });
}

/** The opposite of {@link pauseContainer}. Throws conflict unless it is paused. */
export async function unpauseContainer(engine: Engine, container: Container): Promise<void> {
  await container.mutex.run(async () => {
    if (container.state.status !== 'paused') {
      throw new StackError('conflict', `Container ${container.id} is not paused`);
    }
    const { tasks } = engine.client;
    await whileRunning(engine, container, 'cannot unpause container', (task) => tasks.resume(task));
    container.record.state.status = 'running';
    await engine.containers.save(container);
    publishContainerEvent(engine, container, 'unpause');
  });
}

/** A conflict in docker's words. */
export function notRunning(container: Container, attempt?: string): StackError {
  const words = `container ${container.id} is not running`;
  return new StackError(
    'conflict',
    attempt === undefined ? words : `${attempt}: ${container.record.name}: ${words}`,
  );
}

/** Calls `action`; where it fails because the task has just ended, that is a conflict in docker's words. */
async function whileRunning(
  { client }: Engine,
  container: Container,
  attempt: string,
  action: (task: { containerId: string }) => Promise<unknown>,
): Promise<void> {
  const task = { containerId: container.id };
  try {
    await action(task);
  } catch (error) {
    const { process } = await client.tasks.get(task).catch((failure: unknown) => {
      if (isStackError(failure, 'not_found')) return { process: undefined };
      throw error;
    });
    if (process === undefined || process.status === 'STOPPED') throw notRunning(container, attempt);
    throw error;
  }
}

/** SIGKILL (unless it was sent already) and the wait for its effect. */
async function kill(
  engine: Engine,
  container: Container,
  done: Promise<unknown>,
  send = true,
): Promise<void> {
  if (send) await signalTask(engine, container, SIGKILL);
  if (await within(done, killMs)) return;
  throw new StackError(
    'internal',
    `container ${container.id} did not end within ${killMs / 1000} seconds of SIGKILL`,
  );
}

/** A process that ended a moment ago is what the caller wanted. */
async function signalTask(engine: Engine, container: Container, signal: number): Promise<void> {
  try {
    await engine.client.tasks.kill({ containerId: container.id, signal });
  } catch (error) {
    const gone =
      isStackError(error, 'not_found') ||
      /process already finished|not found/i.test(messageOf(error));
    if (!gone) {
      throw new StackError(
        isStackError(error, 'unavailable') ? 'unavailable' : 'internal',
        `cannot kill container: ${container.record.name}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }
  publishContainerEvent(engine, container, 'kill', { signal: String(signal) });
  engine.logger.debug('sent signal', { container: container.id, signal: signalName(signal) });
}

/** Thaws one that was sent a signal; what comes of that is handled, and told of, afterwards. */
async function resumeQuietly(engine: Engine, container: Container): Promise<void> {
  const { client, logger } = engine;
  const { id } = container;
  await container.mutex.run(async () => {
    if (container.state.status !== 'paused') return;
    try {
      await client.tasks.resume({ containerId: id });
    } catch (error) {
      logger.debug('cannot resume a killed container', { container: id, error }); // it may be gone already
      return;
    }
    container.record.state.status = 'running';
    await engine.containers.save(container);
    publishContainerEvent(engine, container, 'unpause');
  });
}

async function stopRestarting(engine: Engine, container: Container): Promise<void> {
  await container.mutex.run(async () => {
    cancelRestart(container);
    if (container.state.status !== 'restarting') return;
    container.record.state.status = 'exited';
    container.record.manuallyStopped = true;
    await engine.containers.save(container);
    container.announceExit();
    publishContainerEvent(engine, container, 'stop');
  });
}

async function within(done: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([done.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
