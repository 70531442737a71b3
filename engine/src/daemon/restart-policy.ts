/** Restart policies: whether an exited container starts again, and when. */
import { isStackError } from '#spec/errors';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { discardTask } from './leftovers.ts';
import { launchLocked } from './start-container.ts';

const firstDelayMs = 100;
const longestDelayMs = 60_000;
/** At least so long after a try that found containerd away. */
const awayDelayMs = 500;
/** A run of this length makes the next delay short again. */
const stableMs = 10_000;

/**
 * Decides after an exit. Returns undefined, or what plans the restart; the count in the record is already raised, so
 * that it is saved with the exit.
 */
export function planRestart(
  container: Container,
  ranMs: number,
): ((engine: Engine) => void) | undefined {
  if (!shouldRestart(container)) return undefined;
  container.record.restartCount++;
  container.restartDelayMs =
    ranMs >= stableMs || container.restartDelayMs === 0
      ? firstDelayMs
      : Math.min(container.restartDelayMs * 2, longestDelayMs);
  return (engine) => scheduleRestart(engine, container, container.restartDelayMs);
}

/** By policy, the way it ended, and whether a user stopped it. */
export function shouldRestart({ record }: Container): boolean {
  const { Name: name, MaximumRetryCount: maximum } = record.hostConfig.RestartPolicy;
  if (record.manuallyStopped) return false;
  switch (name) {
    case 'no':
      return false;
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return record.state.exitCode !== 0 && (maximum === 0 || record.restartCount < maximum);
  }
}

/**
 * Starts `container` after `delayMs` unless somebody did something else with it meanwhile; again and again while containerd is
 * away, because its policy speaks of the container's own ends.
 */
export function scheduleRestart(engine: Engine, container: Container, delayMs: number): void {
  clearTimeout(container.restartTimer); // what is recovered after a lost connection may be planned already
  container.restartTimer = setTimeout(() => {
    void container.mutex
      .run(async () => {
        container.restartTimer = undefined;
        if (container.state.status === 'restarting') await restart(engine, container);
      })
      .catch((error: unknown) => {
        engine.logger.error('cannot restart container', { container: container.id, error });
      });
  }, delayMs);
}

async function restart(engine: Engine, container: Container): Promise<void> {
  try {
    // The last try may have got further than its answer did.
    if (container.restartFailed) await discardTask(engine, container);
    await launchLocked(engine, container, { triesAgain: true });
    container.restartFailed = false;
  } catch (error) {
    if (!isStackError(error, 'unavailable')) throw error;
    container.restartFailed = true;
    engine.logger.warn('containerd is away: restart is tried again', { container: container.id });
    scheduleRestart(engine, container, Math.max(container.restartDelayMs, awayDelayMs));
  }
}
