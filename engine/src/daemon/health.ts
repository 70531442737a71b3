/** Health checks: probes run in a container at intervals, what they say, and what that makes of the container. */
import { isStackError, messageOf } from '#spec/errors';
import type { Container } from './container.ts';
import { publishContainerEvent } from './container-events.ts';
import type { Engine } from './engine.ts';
import { createExec, startExec } from './exec.ts';
import type { Exec } from './exec-store.ts';
import { healthCheckOf, type HealthCheck } from './health-check.ts';
import { now } from './timestamps.ts';

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy';

/** Part of a container's state; docker's `State.Health`. */
export interface Health {
  status: HealthStatus;
  /** Failures since the last success. */
  failingStreak: number;
  /** The last five, oldest first. */
  log: ProbeResult[];
}

export interface ProbeResult {
  start: string;
  end: string;
  /** 0 is healthy; -1 for a probe that could not be made or did not end in time. */
  exitCode: number;
  output: string;
}

const keptResults = 5;
const outputBytes = 4096;
const SIGKILL = 9;

/** Begins to probe a container that runs, if it has a health check. */
export function startHealthChecks(engine: Engine, container: Container): void {
  stopHealthChecks(container);
  const check = healthCheckOf(container.record.config);
  if (!check) return;
  container.record.state.health ??= { status: 'starting', failingStreak: 0, log: [] };
  const stop = new AbortController();
  container.healthChecks = stop;
  schedule(engine, container, check, stop.signal);
}

/** Ends the probing; what it has found stays. */
export function stopHealthChecks(container: Container): void {
  container.healthChecks?.abort();
  container.healthChecks = undefined;
}

function schedule(
  engine: Engine,
  container: Container,
  check: HealthCheck,
  signal: AbortSignal,
): void {
  const waitMs =
    isStarting(container, check) && container.state.health?.status === 'starting'
      ? Math.min(check.startIntervalMs, check.intervalMs)
      : check.intervalMs;
  const timer = setTimeout(() => {
    void tick(engine, container, check, signal).finally(() => {
      if (!signal.aborted) schedule(engine, container, check, signal);
    });
  }, waitMs);
  timer.unref();
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
}

function isStarting({ state }: Container, { startPeriodMs }: HealthCheck): boolean {
  return Date.now() - Date.parse(state.startedAt) < startPeriodMs;
}

async function tick(
  engine: Engine,
  container: Container,
  check: HealthCheck,
  signal: AbortSignal,
): Promise<void> {
  if (container.state.status !== 'running') return; // paused
  const result = await probe(engine, container, check);
  const { health } = container.record.state;
  if (signal.aborted || !health || !result) return;
  engine.metrics.healthChecks.increment();
  if (result.exitCode !== 0) engine.metrics.failedHealthChecks.increment();
  health.log = [...health.log, result].slice(-keptResults);
  const before = health.status;
  if (result.exitCode === 0) {
    health.failingStreak = 0;
    health.status = 'healthy';
  } else if (before !== 'starting' || !isStarting(container, check)) {
    health.failingStreak++;
    if (health.failingStreak >= check.retries) health.status = 'unhealthy';
  }
  try {
    await engine.containers.save(container);
  } catch (error) {
    if (engine.containers.has(container.id)) {
      engine.logger.warn('cannot keep the health of a container', {
        container: container.id,
        error,
      });
    }
  }
  if (health.status !== before) {
    publishContainerEvent(engine, container, `health_status: ${health.status}`);
  }
}

/** Runs the command once; undefined when the container has gone meanwhile. */
async function probe(
  engine: Engine,
  container: Container,
  { command, timeoutMs }: HealthCheck,
): Promise<ProbeResult | undefined> {
  const start = now();
  const output: Buffer[] = [];
  let exec: Exec | undefined;
  try {
    const started = createExec(engine, container, {
      ...{ attachStdin: false, attachStdout: true, attachStderr: true, tty: false },
      ...{ privileged: false, user: '', env: [], workingDir: '', detachKeys: '' },
      command,
      consoleSize: undefined,
    });
    exec = started;
    const ended = new Promise<void>((resolve) => started.onExit.add(resolve));
    await startExec(engine, started, (source) =>
      source.subscribe({
        write: (_stream, chunk) => {
          const room = outputBytes - output.reduce((sum, { length }) => sum + length, 0);
          if (room > 0) output.push(Buffer.from(chunk.subarray(0, room)));
          return undefined;
        },
        end: () => undefined,
      }),
    );
    const timedOut = await within(ended, timeoutMs);
    if (timedOut) {
      await engine.client.tasks
        .kill({ containerId: container.id, execId: started.id, signal: SIGKILL })
        .catch(() => undefined); // it has just ended after all
      await ended;
      const message = `Health check exceeded timeout (${timeoutMs / 1000}s)`;
      return { start, end: now(), exitCode: -1, output: withOutput(message, output) };
    }
    return { start, end: now(), exitCode: started.exitCode ?? -1, output: withOutput('', output) };
  } catch (error) {
    if (!isStackError(error)) throw error;
    if (!container.isRunning) return undefined;
    return { start, end: now(), exitCode: -1, output: messageOf(error) };
  } finally {
    // Nobody asks for it any more, and there will be many.
    if (exec) {
      engine.execs.forget(exec.id);
      container.execIds.delete(exec.id);
    }
  }
}

function withOutput(message: string, output: readonly Buffer[]): string {
  const text = Buffer.concat(output).toString();
  return message === '' ? text : text === '' ? message : `${message}: ${text}`;
}

/** True when `promise` has not resolved after the time. */
async function within(promise: Promise<void>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), timeoutMs);
  });
  try {
    return await Promise.race([promise.then(() => false), late]);
  } finally {
    clearTimeout(timer);
  }
}
