/** Runs a limited number of actions at once, the others in the order they came. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** `count` actions may run at the same time. */
  constructor(count: number) {
    this.#free = count;
  }

  /** How many may begin at once. */
  get free(): number {
    return this.#free;
  }

  /** The result of `action`, which begins when a slot is free. Rejects as the action does, and frees its slot. */
  async run<T>(action: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await action();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
