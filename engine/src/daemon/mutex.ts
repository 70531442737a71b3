/** One at a time, in the order of asking. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `action` after all earlier ones have ended, whether they failed or not. */
  run<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.then(action, action);
    this.#last = result.catch(() => undefined); // the failure is its own caller's to handle
    return result;
  }
}
