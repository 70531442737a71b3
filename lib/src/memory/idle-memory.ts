/**
 * Gives memory back after a busy time. V8 collects garbage while it allocates: a daemon that then has nothing to do keeps
 * what its last requests, or its start, have left behind for hours. So does libc, for threads that have ended.
 */
import { releaseMemory } from './release-memory.ts';

export class IdleMemory {
  readonly #idleMs: number;
  readonly #collect: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** Collects once nothing was done for `idleMs`; the first time that long from now. */
  constructor(idleMs: number, collect: () => void = releaseMemory) {
    this.#idleMs = idleMs;
    this.#collect = collect;
    this.touch();
  }

  /** Something is being done. */
  touch(): void {
    if (this.#timer) {
      this.#timer.refresh();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#collect();
    }, this.#idleMs);
    this.#timer.unref();
  }

  /** Collects no more. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
