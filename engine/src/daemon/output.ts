/** A task's output as the rest of the daemon sees it, however it is stored. */
import type { Socket } from 'node:net';
import { openFifoReader, type StdioPaths } from '../containerd/fifo.ts';

export type OutputStream = 'stdout' | 'stderr';

/** Somebody who wants the output as it comes. */
export interface OutputSubscriber {
  /** A promise holds the output back until it resolves: whoever reads too slowly stalls this one container. */
  write(stream: OutputStream, chunk: Buffer): Promise<void> | undefined;
  /** No more will come. */
  end(): void;
}

/** Carries a task's output from its FIFOs to the log and to subscribers. */
export interface TaskOutput {
  /** From the next byte on; returns how to leave. After the end the subscriber is told so at once. */
  subscribe(subscriber: OutputSubscriber): () => void;
  /** Everything the task wrote was delivered and stored. */
  readonly finished: Promise<void>;
  /** Stops reading, whatever is left and however slow a subscriber is. */
  close(): Promise<void>;
  /** As `close`, and takes back what was stored: it was no output of the task. */
  discard(): Promise<void>;
}

/** Output that is not stored: execs, and containers with the log driver `none`. */
export class UnloggedOutput implements TaskOutput {
  readonly finished: Promise<void>;
  readonly #subscribers = new Set<OutputSubscriber>();
  readonly #readers: readonly Socket[];
  #ended = false;

  /** Opens the FIFOs; must happen before the task is created. */
  constructor({ stdout, stderr }: StdioPaths) {
    this.#readers = [
      ...(stdout === '' ? [] : [this.#read('stdout', stdout)]),
      ...(stderr === '' ? [] : [this.#read('stderr', stderr)]),
    ];
    const closed = this.#readers.map(
      (reader) => new Promise<void>((resolve) => reader.once('close', () => resolve())),
    );
    this.finished = Promise.all(closed).then(() => this.#end());
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
    for (const reader of this.#readers) reader.destroy();
    await this.finished;
  }

  discard(): Promise<void> {
    return this.close();
  }

  #read(stream: OutputStream, file: string): Socket {
    const reader = openFifoReader(file, (bytes) => {
      const waits = this.#deliver(stream, bytes);
      if (waits.length === 0) return true;
      const goOn = (): void => void reader.resume();
      Promise.all(waits).then(goOn, goOn);
      return false;
    });
    reader.on('error', () => undefined); // the FIFO is gone: there is nothing more to read
    return reader;
  }

  #deliver(stream: OutputStream, bytes: Buffer): Promise<void>[] {
    if (this.#subscribers.size === 0) return [];
    const chunk = Buffer.from(bytes);
    return [...this.#subscribers]
      .map((subscriber) => subscriber.write(stream, chunk))
      .filter((wait) => wait !== undefined);
  }

  #end(): void {
    this.#ended = true;
    for (const subscriber of this.#subscribers) subscriber.end();
    this.#subscribers.clear();
  }
}
