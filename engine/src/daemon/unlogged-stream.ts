/**
 * One FIFO of output that goes to subscribers and nowhere else. A little at a time is read and written. When much comes
 * and one client takes it, the kernel moves it from the FIFO into the client's connection:
 *
 *   FIFO ──read──▶ engined ──write──▶ connection        ──splice──▶ while there is much
 *
 * What the connection cannot take is read and left to node:net, which tells when there is room again.
 */
import fs from 'node:fs';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { readableBytes, spliceToSocket, writeNow } from '#lib/sys/pipe';
import { openFifoReader, readBytes } from '../containerd/fifo.ts';
import { Burst, burstBytes, burstPauseMs } from './burst.ts';
import type { DirectConnection, OutputStream, OutputSubscriber } from './output.ts';
import { frameHeaderLength } from './stream-frames.ts';

/** What a client reads as one. docker's keeps a buffer of the largest frame and moves all of it for each further frame. */
const frameBytes = 64 * 1024;
/** How much is moved before others have their turn. */
const turnBytes = 2 * 1024 * 1024;

export class UnloggedStream {
  /** Nothing is read any more. */
  readonly closed: Promise<void>;
  readonly #name: OutputStream;
  readonly #subscribers: ReadonlySet<OutputSubscriber>;
  readonly #reader: Socket;
  readonly #fd: number;
  #canSplice = true;
  /** What was read for a connection that could not take all. */
  #rest: Buffer | undefined;
  readonly #burst = new Burst();

  constructor(name: OutputStream, file: string, subscribers: ReadonlySet<OutputSubscriber>) {
    this.#name = name;
    this.#subscribers = subscribers;
    const { reader, fd } = openFifoReader(file, (bytes) => this.#take(bytes));
    this.#reader = reader;
    this.#fd = fd;
    reader.on('error', () => undefined); // the FIFO is gone: there is nothing more to read
    this.closed = new Promise((resolve) => reader.once('close', () => resolve()));
  }

  close(): void {
    this.#reader.destroy();
  }

  /** Returns whether to go on reading. */
  #take(bytes: Buffer): boolean {
    const waits = this.#deliver(bytes);
    const isBurst = this.#burst.add(bytes.length);
    if (waits.length === 0 && !isBurst) return true;
    void this.#goOn(waits, isBurst && bytes.length < readBytes);
    return false;
  }

  #deliver(bytes: Buffer): Promise<void>[] {
    if (this.#subscribers.size === 0) return [];
    const chunk = Buffer.from(bytes);
    return [...this.#subscribers]
      .map((subscriber) => subscriber.write(this.#name, chunk))
      .filter((wait) => wait !== undefined);
  }

  /** Reads on after `waits`, and after what can be moved without being read. */
  async #goOn(waits: readonly Promise<void>[], mayPause: boolean): Promise<void> {
    await Promise.all(waits).catch(() => undefined); // who fails to take it is gone
    let pause = mayPause;
    for (;;) {
      if (pause) await delay(burstPauseMs);
      else await nextTurn();
      if (this.#reader.destroyed) return;
      const { moved, wait } = this.#splice();
      if (moved === 0) break;
      await wait;
      pause = moved < burstBytes;
    }
    this.#reader.resume();
  }

  /** Moves what the FIFO has into the connection of the only subscriber; what this could not take has been written. */
  #splice(): { moved: number; wait?: Promise<void> | undefined } {
    const [subscriber] = this.#subscribers;
    if (!subscriber || this.#subscribers.size > 1 || !this.#canSplice) return { moved: 0 };
    for (let moved = 0; ;) {
      const connection = subscriber.connection?.(this.#name);
      const length = Math.min(readableBytes(this.#fd), frameBytes);
      if (!connection || length === 0 || moved >= turnBytes) return { moved };
      moved += length;
      const header = connection.header(length);
      const headerSent = header ? this.#sendHeader(connection, header) : 0;
      if (header && headerSent < header.length) {
        const rest = this.#read(length, header.subarray(headerSent));
        return { moved, wait: connection.writeRest(rest) };
      }
      const sent = this.#send(connection, length);
      if (sent < length) return { moved, wait: connection.writeRest(this.#read(length - sent)) };
    }
  }

  #sendHeader({ fd }: DirectConnection, header: Buffer): number {
    try {
      return writeNow(fd, header);
    } catch {
      return 0; // the connection broke, as the next write to it will tell
    }
  }

  #send({ fd }: DirectConnection, length: number): number {
    let sent = 0;
    try {
      while (sent < length) {
        const moved = spliceToSocket(this.#fd, fd, length - sent);
        if (moved === 0) break;
        sent += moved;
      }
    } catch {
      this.#canSplice = false; // the connection broke, or is of a kind that takes no pages
    }
    return sent;
  }

  /** `length` bytes that the FIFO is known to hold, after `before`; overwritten by the next call. */
  #read(length: number, before: Buffer = nothing): Buffer {
    const bytes = (this.#rest ??= Buffer.allocUnsafeSlow(frameHeaderLength + frameBytes));
    const end = before.length + length;
    for (let at = before.copy(bytes); at < end;) {
      at += fs.readSync(this.#fd, bytes, at, end - at, null);
    }
    return bytes.subarray(0, end);
  }
}

const nothing = Buffer.alloc(0);
