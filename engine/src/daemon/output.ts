/** A task's output as the rest of the daemon sees it, however it is stored. */
import type { Readable } from 'node:stream';
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
  readonly #readers: readonly { stream: OutputStream; socket: Readable }[];
  /** Ends the waits for slow subscribers. */
  readonly #releases = new Set<() => void>();
  #ended = false;
  #closed = false;

  /** Opens the FIFOs; must happen before the task is created. */
  constructor({ stdout, stderr }: StdioPaths) {
    this.#readers = [
      { stream: 'stdout' as const, file: stdout },
      { stream: 'stderr' as const, file: stderr },
    ]
      .filter(({ file }) => file !== '')
      .map(({ stream, file }) => ({ stream, socket: openFifoReader(file) }));
    this.finished = Promise.all(
      this.#readers.map(({ stream, socket }) => this.#pump(stream, socket)),
    ).then(() => this.#end());
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
    this.#closed = true;
    for (const { socket } of this.#readers) socket.destroy();
    for (const release of this.#releases) release();
    await this.finished;
  }

  async #pump(stream: OutputStream, socket: Readable): Promise<void> {
    try {
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        const waiting = [...this.#subscribers]
          .map((subscriber) => subscriber.write(stream, chunk))
          .filter((wait) => wait !== undefined);
        if (waiting.length > 0) await this.#delivered(waiting);
      }
    } catch {
      // destroyed by close(), or the FIFO is gone: there is nothing more to read
    }
  }

  discard(): Promise<void> {
    return this.close();
  }

  /** Resolves when all have taken the output, or nobody waits for that any more. */
  async #delivered(waiting: readonly Promise<void>[]): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      const release = (): void => {
        this.#releases.delete(release);
        resolve();
      };
      this.#releases.add(release);
      Promise.all(waiting).then(release, release);
    });
  }

  #end(): void {
    this.#ended = true;
    for (const subscriber of this.#subscribers) subscriber.end();
    this.#subscribers.clear();
  }
}
