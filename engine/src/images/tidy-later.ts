/** Taking back what was stored in containerd, also when containerd is away just then. */
import { setTimeout as delay } from 'node:timers/promises';
import { isStackError } from '#spec/errors';

const retryMs = 1000;

/**
 * Carries out `action`; where that fails, returns all the same, and tries again every second until `limitMs` from now: a
 * containerd that died is started again. What is not found is done.
 */
export async function tidyUp(action: () => Promise<unknown>, limitMs: number): Promise<void> {
  if (await isDone(action)) return;
  void tryAgain(action, Date.now() + limitMs);
}

async function tryAgain(action: () => Promise<unknown>, untilMs: number): Promise<void> {
  while (Date.now() < untilMs) {
    await delay(retryMs, undefined, { ref: false });
    if (await isDone(action)) return;
  }
}

async function isDone(action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    return isStackError(error, 'not_found');
  }
}
