/** Waits for conditions, not for time. */
import { setTimeout as delay } from 'node:timers/promises';
import { StackError } from '#spec/errors';

/**
 * Asks `condition` every 20 ms until it answers something other than false, null or undefined, and returns that.
 * Throws deadline_exceeded that names `what` after `timeoutMs`.
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = 15_000,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = Date.now() + timeoutMs;
  while (true) {
    const answer = await condition();
    if (answer !== false && answer !== null && answer !== undefined) {
      return answer as Exclude<T, false | null | undefined>;
    }
    if (Date.now() > deadline) {
      throw new StackError('deadline_exceeded', `waited ${timeoutMs} ms in vain for ${what}`);
    }
    await delay(20);
  }
}
