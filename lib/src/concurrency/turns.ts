/** Lets actions about the same thing wait for each other, in the order they were asked for. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `action` after all earlier ones for `key`, whether those succeeded or not. */
  take<Result>(key: string, action: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const result = before.then(action);
    const ended = result
      .catch(() => undefined) // the caller has it
      .then(() => {
        if (this.#last.get(key) === ended) this.#last.delete(key);
      });
    this.#last.set(key, ended);
    return result;
  }
}
