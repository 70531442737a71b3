/** Sends a task's output to a log server, line by line. */
import { setTimeout as delay } from 'node:timers/promises';
import type { OutputStream, OutputSubscriber } from '../daemon/output.ts';
import type { LogSink } from './log-sink.ts';
import { completeLength, newline, splitLines } from './output-lines.ts';

export interface LineForwarderOptions {
  sink: LogSink;
  /** How many bytes may wait before lines are dropped; undefined holds the container back instead. */
  bufferBytes: number | undefined;
  /** Told how many lines were dropped or could not be sent since the last time, and why if known. */
  report: (lost: { dropped: number; failed: number; reason?: string }) => void;
}

/** Losses are reported once a second, not line by line. */
const reportMs = 1000;
/** How long a server that takes nothing may keep a container that has ended. */
const closeMs = 3000;

export class LineForwarder implements OutputSubscriber {
  readonly #options: LineForwarderOptions;
  readonly #rest: Record<OutputStream, Buffer> = { stdout: nothing, stderr: nothing };
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  /** Resolves when the queue is empty; undefined while it is. */
  #sending: Promise<void> | undefined;
  #lost = { dropped: 0, failed: 0 };
  #reason: string | undefined;
  #isClosed = false;
  #reportTimer: NodeJS.Timeout | undefined;

  constructor(options: LineForwarderOptions) {
    this.#options = options;
  }

  write(stream: OutputStream, chunk: Buffer): Promise<void> | undefined {
    const rest = this.#rest[stream];
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const length = completeLength(bytes);
    this.#rest[stream] = Buffer.from(bytes.subarray(length)); // the chunk is used again
    this.#take(stream, bytes.subarray(0, length));
    return this.#options.bufferBytes === undefined ? this.#sending : undefined;
  }

  /** The last lines need no newline. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      this.#take(stream, this.#rest[stream]);
      this.#rest[stream] = nothing;
    }
  }

  /** Resolves when everything has been sent, or cannot be in time. */
  async close(): Promise<void> {
    const limit = new AbortController();
    const late = delay(closeMs, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.race([this.#sending, late]);
    limit.abort();
    this.#isClosed = true;
    await this.#options.sink.close();
    await this.#sending;
    this.#report();
  }

  #take(stream: OutputStream, bytes: Buffer): void {
    const { sink, bufferBytes = Infinity } = this.#options;
    const time = new Date();
    for (const line of splitLines(bytes)) {
      if (this.#queuedBytes > 0 && this.#queuedBytes + line.length > bufferBytes) {
        this.#lose('dropped');
        continue;
      }
      const isPartial = line.at(-1) !== newline;
      const text = isPartial ? line : line.subarray(0, -1);
      const message = sink.format({ stream, text, isPartial, time });
      this.#queue.push(message);
      this.#queuedBytes += message.length;
    }
    if (this.#queue.length === 0 || this.#sending) return;
    const sending = this.#send();
    if (this.#queuedBytes > 0) this.#sending = sending; // else all was sent at once
  }

  async #send(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      for (const message of batch) {
        try {
          if (this.#isClosed) throw new Error('the container ended before its log was taken');
          const wait = this.#options.sink.send(message);
          if (wait) await wait;
        } catch (error) {
          this.#reason = error instanceof Error ? error.message : String(error);
          this.#lose('failed');
        }
        this.#queuedBytes -= message.length;
      }
    }
    this.#sending = undefined;
  }

  #lose(how: 'dropped' | 'failed'): void {
    this.#lost[how]++;
    this.#reportTimer ??= setTimeout(() => this.#report(), reportMs).unref();
  }

  #report(): void {
    clearTimeout(this.#reportTimer);
    this.#reportTimer = undefined;
    const { dropped, failed } = this.#lost;
    if (dropped + failed === 0) return;
    const reason = this.#reason;
    this.#lost = { dropped: 0, failed: 0 };
    this.#reason = undefined;
    this.#options.report({ dropped, failed, ...(reason !== undefined && { reason }) });
  }
}

const nothing = Buffer.alloc(0);
