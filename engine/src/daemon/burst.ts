/** Tells a process that writes much from one that writes now and then. */

/** How long the next bytes of a burst may wait, so that many come at once instead of each waking its reader. */
export const burstPauseMs = 1;
/** Less than this is worth a pause. */
export const burstBytes = 64 * 1024;
/** More than `burstBytes` within this time is a burst. */
const burstMs = 4;

export class Burst {
  #start = 0;
  #length = 0;

  /** Counts `length` bytes that have just come; returns whether they are part of a burst. */
  add(length: number): boolean {
    const now = performance.now();
    if (now - this.#start > burstMs) {
      this.#start = now;
      this.#length = 0;
    }
    this.#length += length;
    return this.#length > burstBytes;
  }
}
