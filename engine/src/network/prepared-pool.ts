/** Things made ahead of time, so that whoever needs one does not wait for its making. */
import { setTimeout as delay } from 'node:timers/promises';

export interface PreparedPoolOptions<Item> {
  readonly size: number;
  /** How long nothing must have been taken before the pool fills up again: the taker's work goes first. */
  readonly quietMs: number;
  readonly create: () => Promise<Item>;
  readonly destroy: (item: Item) => Promise<void>;
  /** An item could not be made; the pool tries again when the next one is taken. */
  readonly failed: (error: unknown) => void;
}

export class PreparedPool<Item> {
  readonly #options: PreparedPoolOptions<Item>;
  readonly #ready: Item[] = [];
  readonly #closing = new AbortController();
  #lastTaken = -Infinity;
  #filling: Promise<void> | undefined;
  #making: Promise<void> | undefined;

  constructor(options: PreparedPoolOptions<Item>) {
    this.#options = options;
  }

  /** The item that has been ready longest; undefined when none is. */
  take(): Item | undefined {
    this.#lastTaken = performance.now();
    const item = this.#ready.shift();
    this.fill();
    return item;
  }

  /** {@link take}, after an item that is being made right now. */
  async takeNext(): Promise<Item | undefined> {
    await this.#making?.catch(() => undefined); // reported by the filling
    return this.take();
  }

  /** Fills the pool in the background. */
  fill(): void {
    if (this.#closing.signal.aborted) return;
    this.#filling ??= this.#fillUp().finally(() => (this.#filling = undefined));
  }

  /** Ends the filling and destroys what is ready. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#filling;
    for (let item; (item = this.#ready.shift()) !== undefined;) await this.#options.destroy(item);
  }

  async #fillUp(): Promise<void> {
    const { size, quietMs, create, failed } = this.#options;
    const { signal } = this.#closing;
    try {
      while (this.#ready.length < size && !signal.aborted) {
        const quietFor = performance.now() - this.#lastTaken;
        if (quietFor < quietMs) {
          await delay(quietMs - quietFor, undefined, { signal, ref: false });
          continue;
        }
        this.#making = create().then((item) => void this.#ready.push(item));
        await this.#making;
      }
    } catch (error) {
      if (!signal.aborted) failed(error);
    }
  }
}
