/** A shim works for moments and waits for months: once it has nothing to do it gives back what its work took. */
import { releaseMemory } from '#lib/memory/release-memory';

/** So long after the last call a container is most likely not about to end, or to get an exec. */
const idleMs = 3000;
/** Callers that ask every few seconds for statistics shall not make it collect garbage each time. */
const leastPauseMs = 600_000;

export class IdleMemory {
  private timer: NodeJS.Timeout | undefined;
  private releasedAtMs = -Infinity;

  /** To be called when the shim has done something. */
  used(): void {
    if (performance.now() - this.releasedAtMs < leastPauseMs) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.releasedAtMs = performance.now();
      releaseMemory();
    }, idleMs).unref();
    this.timer.refresh();
  }

  /** Does nothing more. */
  stop(): void {
    clearTimeout(this.timer);
    this.releasedAtMs = Infinity;
  }
}
