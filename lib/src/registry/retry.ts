/** Asking again, later each time, when a registry is busy or a connection breaks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { TemporaryFailure } from './http-error.ts';

export interface RetryPolicy {
  attempts: number;
  /** Delay before the second attempt; it doubles from one to the next. */
  firstDelayMs: number;
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 6, firstDelayMs: 500 };

/** However long a server asks us to wait, no longer than this. */
const longestDelayMs = 30_000;

/** Runs `action` until it succeeds, fails for good, or was tried often enough. */
export async function withRetries<T>(
  policy: RetryPolicy,
  action: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      await waitToRetry(policy, attempt, error, signal);
    }
  }
}

/** Waits before attempt number `attempt + 1`. Throws `error` if there is to be none. */
export async function waitToRetry(
  { attempts, firstDelayMs }: RetryPolicy,
  attempt: number,
  error: unknown,
  signal?: AbortSignal,
): Promise<void> {
  if (!(error instanceof TemporaryFailure) || attempt >= attempts) throw error;
  const delayMs = error.retryAfterMs ?? firstDelayMs * 2 ** (attempt - 1);
  await sleep(Math.min(delayMs, longestDelayMs), undefined, { ...(signal && { signal }) });
}
