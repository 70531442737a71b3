/**
 * Copies one stream into another, a chunk at a time, so that it can be stopped between any two bytes: what was read
 * and not written yet is then known exactly, and a successor of this process goes on there.
 */
import type net from 'node:net';

/** What net.Socket keeps to itself: how much of what was written libuv still has. */
interface StreamHandle {
  readonly writeQueueSize: number;
}

export class Copy {
  /** Resolves when the source has ended or broken and everything was written, or the sink has broken. */
  readonly ended: Promise<void>;
  private readonly source: net.Socket | undefined;
  private readonly sink: net.Socket;
  /** Handed to the sink, which has not taken all of it. */
  private inFlight: Buffer | undefined;
  private sourceEnded: boolean;
  private suspended = false;
  private resolveEnded: () => void = () => undefined;

  /**
   * `pending` was read by a predecessor; without a source it is all there is. Neither stream is closed by the copy.
   */
  constructor(source: net.Socket | undefined, sink: net.Socket, pending: Buffer) {
    this.source = source;
    this.sink = sink;
    this.sourceEnded = source === undefined;
    this.ended = new Promise((resolve) => (this.resolveEnded = resolve));
    sink.on('error', () => undefined); // 'close' follows
    sink.on('close', () => this.resolveEnded());
    source?.on('error', () => undefined); // EIO is how a terminal says that its other end is closed
    source?.on('close', () => {
      this.sourceEnded = true;
      this.endIfDone();
    });
    source?.on('data', (chunk: Buffer) => this.write(chunk));
    if (pending.length > 0) this.write(pending);
    else this.endIfDone();
  }

  /** Stops at once and for good. Returns what was read and not written. */
  suspend(): Buffer {
    this.suspended = true;
    this.source?.pause();
    const { _handle: handle } = this.sink as unknown as { _handle: StreamHandle | null };
    const { inFlight = Buffer.alloc(0) } = this;
    const unwritten = handle?.writeQueueSize ?? 0;
    const rest = [inFlight.subarray(inFlight.length - Math.min(unwritten, inFlight.length))];
    for (let more = this.read(); more !== null; more = this.read()) rest.push(more);
    return Buffer.concat(rest);
  }

  private write(chunk: Buffer): void {
    if (this.suspended) return;
    this.source?.pause();
    this.inFlight = chunk;
    this.sink.write(chunk, () => {
      if (this.suspended) return;
      this.inFlight = undefined;
      if (this.sourceEnded) this.endIfDone();
      else this.source?.resume();
    });
  }

  private endIfDone(): void {
    if (this.sourceEnded && this.inFlight === undefined) this.resolveEnded();
  }

  /** What the source had read ahead. */
  private read(): Buffer | null {
    return (this.source?.read() ?? null) as Buffer | null; // no encoding is set
  }
}
