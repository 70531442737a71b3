/** Output that is not stored: execs, and containers with the log driver `none`. */
import type { StdioPaths } from '../containerd/fifo.ts';
import type { OutputSubscriber, TaskOutput } from './output.ts';
import { UnloggedStream } from './unlogged-stream.ts';

export class UnloggedOutput implements TaskOutput {
  readonly finished: Promise<void>;
  readonly #subscribers = new Set<OutputSubscriber>();
  readonly #streams: readonly UnloggedStream[];
  #ended = false;

  /** Opens the FIFOs; must happen before the task is created. */
  constructor({ stdout, stderr }: StdioPaths) {
    const subscribers = this.#subscribers;
    this.#streams = [
      ...(stdout === '' ? [] : [new UnloggedStream('stdout', stdout, subscribers)]),
      ...(stderr === '' ? [] : [new UnloggedStream('stderr', stderr, subscribers)]),
    ];
    this.finished = Promise.all(this.#streams.map(({ closed }) => closed)).then(() => this.#end());
  }

  subscribe(subscriber: OutputSubscriber): () => void {
    if (this.#ended) {
      subscriber.end();
      return () => undefined;
    }
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  async close(): Promise<void> {
    for (const stream of this.#streams) stream.close();
    await this.finished;
  }

  discard(): Promise<void> {
    return this.close();
  }

  #end(): void {
    this.#ended = true;
    for (const subscriber of this.#subscribers) subscriber.end();
    this.#subscribers.clear();
  }
}
