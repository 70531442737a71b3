/**
 * Gives memory back after a busy time. V8 collects garbage while it allocates: a process that then has nothing to do keeps
 * what its last requests, or its start, have left behind for hours. So does libc, for threads that have ended.
 */
import { releaseMemory } from './release-memory.ts';

export interface IdleMemoryOptions {
  /** Collects once nothing was done for so long. */
  readonly idleMs: number;
  /** So long after a collection the next one comes at the earliest: not one after each of many small tasks. */
  readonly leastPauseMs?: number;
  /** Without so much more resident memory than after the last collection there is none. */
  readonly leastGrowthBytes?: number;
  readonly collect?: () => void;
  /** Bytes. */
  readonly residentMemory?: () => number;
}

export class IdleMemory {
  readonly #options: Required<IdleMemoryOptions>;
  #timer: NodeJS.Timeout | undefined;
  #lastUsedMs = -Infinity;
  #collectedAtMs = -Infinity;
  #collectedTo = -Infinity;
  #isStopped = false;

  constructor(options: IdleMemoryOptions) {
    this.#options = {
      leastPauseMs: 0,
      leastGrowthBytes: 0,
      collect: releaseMemory,
      residentMemory: () => process.memoryUsage.rss(),
      ...options,
    };
  }

  /** Something is being done. */
  touch(): void {
    this.#lastUsedMs = performance.now();
    if (this.#timer === undefined && !this.#isStopped) this.#wait();
  }

  /** Collects no more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** One timer per idle time, not one per call. */
  #wait(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (performance.now() < this.#dueMs) this.#wait();
      else this.#collect();
    }, this.#dueMs - performance.now());
    this.#timer.unref();
  }

  get #dueMs(): number {
    const { idleMs, leastPauseMs } = this.#options;
    return Math.max(this.#lastUsedMs + idleMs, this.#collectedAtMs + leastPauseMs);
  }

  #collect(): void {
    const { collect, residentMemory, leastGrowthBytes } = this.#options;
    if (residentMemory() < this.#collectedTo + leastGrowthBytes) return;
    collect();
    this.#collectedAtMs = performance.now();
    this.#collectedTo = residentMemory();
  }
}
