/** The options that a reload can change, as they are now. */
import type { ReloadableOptions } from './engine-options.ts';

export class LiveSettings {
  #current: ReloadableOptions;
  readonly #listeners: ((options: ReloadableOptions) => void)[] = [];

  constructor(initial: ReloadableOptions) {
    this.#current = initial;
  }

  /** Not to be kept: the next reload makes another. */
  get current(): ReloadableOptions {
    return this.#current;
  }

  /** Calls `listener` with the options in force, now and after each reload. It must not throw. */
  watch(listener: (options: ReloadableOptions) => void): void {
    this.#listeners.push(listener);
    listener(this.#current);
  }

  replace(next: ReloadableOptions): void {
    this.#current = next;
    for (const listener of this.#listeners) listener(next);
  }
}
