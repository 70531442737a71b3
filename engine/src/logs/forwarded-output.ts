/** A task's output on its way to a log server, beside a cache that `logs` reads. */
import type { OutputSubscriber, TaskOutput } from '../daemon/output.ts';
import type { LineForwarder } from './line-forwarder.ts';

export class ForwardedOutput implements TaskOutput {
  readonly finished: Promise<void>;
  readonly #inner: TaskOutput;

  /** `inner` reads the FIFOs, and keeps the output if it is kept. */
  constructor(inner: TaskOutput, forwarder: LineForwarder) {
    this.#inner = inner;
    inner.subscribe(forwarder);
    this.finished = inner.finished.then(() => forwarder.close());
  }

  subscribe(subscriber: OutputSubscriber): () => void {
    return this.#inner.subscribe(subscriber);
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  async discard(): Promise<void> {
    await this.#inner.discard();
  }
}
