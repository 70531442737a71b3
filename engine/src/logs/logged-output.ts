/** A task's output into a log file and to subscribers. */
import fs from 'node:fs';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '#lib/log/logger';
import { enlargeFifo, fifoBytes, type StdioPaths } from '../containerd/fifo.ts';
import { Burst, burstBytes, burstPauseMs } from '../daemon/burst.ts';
import type { OutputStream, OutputSubscriber, TaskOutput } from '../daemon/output.ts';
import { giveBack, takeChunk } from './chunk-memory.ts';
import type { FifoReadiness } from './fifo-readiness.ts';
import type { RotationOptions } from './file-options.ts';
import { LogFile } from './log-file.ts';
import type { LogEncoder } from './log-format.ts';
import { LogAppender, type Spools } from './log-appender.ts';
import { ProgressFile } from './progress-file.ts';
import { StreamSpool } from './stream-spool.ts';

/** How much is carried at once, and how often before others have their turn. */
const chunkBytes = 256 * 1024;
const chunksPerTurn = 4;

export interface LoggedOutputOptions {
  stdio: StdioPaths;
  /** The log; progress and spools stand beside it, with other endings. */
  logPath: string;
  rotation: RotationOptions;
  encoder: LogEncoder;
  readiness: FifoReadiness;
  logger: Logger;
  /** Called after something was appended. */
  onAppend: () => void;
}

interface OpenStream {
  readonly name: OutputStream;
  readonly fifo: number;
  readonly burst: Burst;
}

export class LoggedOutput implements TaskOutput {
  readonly finished: Promise<void>;
  readonly #options: LoggedOutputOptions;
  readonly #log: LogFile;
  readonly #progress: ProgressFile;
  readonly #spools: Spools;
  readonly #appender: LogAppender;
  readonly #open = new Map<OutputStream, OpenStream>();
  readonly #subscribers = new Set<OutputSubscriber>();
  /** Of the log, before this task. */
  readonly #sizeBefore: number;
  #finish: () => void = () => undefined;
  #closed = false;

  /** Opens the FIFOs, and finishes what an earlier run of the engine has left half-done. */
  constructor(options: LoggedOutputOptions) {
    const { logPath, rotation, encoder, stdio } = options;
    this.#options = options;
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    this.#log = new LogFile(logPath, rotation);
    this.#progress = new ProgressFile(`${logPath}.progress`);
    const before = this.#progress.read();
    this.#spools = {
      stdout: new StreamSpool(`${logPath}.stdout`, before?.stdout.logged ?? 0),
      stderr: new StreamSpool(`${logPath}.stderr`, before?.stderr.logged ?? 0),
    };
    const fifos = {
      stdout: this.#openFifo('stdout', stdio.stdout),
      stderr: this.#openFifo('stderr', stdio.stderr),
    };
    this.#appender = new LogAppender(
      this.#log,
      encoder,
      this.#progress,
      this.#spools,
      before,
      fifos,
    );
    this.#sizeBefore = this.#log.size;
    for (const stream of this.#open.values()) this.#watch(stream);
    if (this.#open.size === 0) this.#end();
  }

  /** How often the log began a new file. */
  get rotations(): number {
    return this.#log.rotations;
  }

  subscribe(subscriber: OutputSubscriber): () => void {
    if (this.#closed) {
      subscriber.end();
      return () => undefined;
    }
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /**
   * The process is over: takes what the FIFOs hold now, ends an unfinished line, and stops, even if a descendant
   * could still write. (An engine that goes away while the task runs just leaves; the next one takes it up.)
   */
  async close(): Promise<void> {
    for (const stream of [...this.#open.values()]) {
      this.#sweep(stream);
      this.#endStream(stream);
    }
    await this.finished;
  }

  async discard(): Promise<void> {
    await this.close();
    const { logPath } = this.#options;
    // A file that was begun anew meanwhile is shorter.
    if (fs.statSync(logPath).size > this.#sizeBefore) fs.truncateSync(logPath, this.#sizeBefore);
  }

  /** Returns the FIFO's identity; empty for a stream that the task does not have. */
  #openFifo(name: OutputStream, path: string): string {
    if (path === '') return '';
    const fifo = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    this.#open.set(name, { name, fifo, burst: new Burst() });
    enlargeFifo(fifo);
    // File systems give the number of a removed inode to the next file, so the time of its birth belongs to it.
    const { ino, birthtimeNs } = fs.fstatSync(fifo, { bigint: true });
    return `${ino}:${birthtimeNs}`;
  }

  #watch(stream: OpenStream): void {
    this.#options.readiness.add(stream.fifo, (hangUp) => {
      this.#carry(stream, hangUp).catch((error: unknown) => {
        this.#options.logger.error('cannot log output', { log: this.#options.logPath, error });
        this.#release(stream);
        if (this.#open.size === 0) this.#end();
      });
    });
  }

  /** Carries what the FIFO has, then waits for more. */
  async #carry(stream: OpenStream, hangUp: boolean): Promise<void> {
    for (let carried = 1; carried > 0;) {
      carried = 0;
      for (let chunk = 0; chunk < chunksPerTurn; chunk++) {
        if (!this.#open.has(stream.name)) return; // closed meanwhile
        const moved = this.#spools[stream.name].fill(stream.fifo, chunkBytes);
        if (moved === undefined) break;
        if (moved === 0) {
          // A FIFO that nobody has opened for writing yet looks the same, but does not hang up.
          if (!hangUp) break;
          this.#endStream(stream);
          return;
        }
        carried += moved;
        await this.#deliver(stream.name, moved);
      }
      if (!stream.burst.add(carried)) break;
      if (carried < burstBytes) await delay(burstPauseMs);
      else await nextTurn();
    }
    if (this.#open.has(stream.name)) this.#options.readiness.rearm(stream.fifo);
  }

  async #deliver(name: OutputStream, moved: number): Promise<void> {
    const spool = this.#spools[name];
    const memory = takeChunk(spool.pendingLength);
    const bytes = spool.readPending(memory);
    this.#appender.append(name, bytes);
    this.#options.onAppend();
    const chunk = bytes.subarray(bytes.length - moved);
    const waits: Promise<void>[] = [];
    for (const subscriber of this.#subscribers) {
      const wait = subscriber.write(name, chunk);
      if (wait) waits.push(wait);
    }
    if (waits.length > 0) await Promise.all(waits);
    giveBack(memory);
  }

  /** What the FIFO holds at most; a descendant that goes on writing must not keep us here. */
  #sweep({ name, fifo }: OpenStream): void {
    for (let swept = 0; swept < fifoBytes;) {
      const moved = this.#spools[name].fill(fifo, chunkBytes);
      if (!moved) return;
      swept += moved;
      void this.#deliver(name, moved);
    }
  }

  #endStream(stream: OpenStream): void {
    this.#release(stream);
    this.#appender.finish(stream.name);
    this.#options.onAppend();
    if (this.#open.size === 0) this.#end();
  }

  #release({ name, fifo }: OpenStream): void {
    if (!this.#open.delete(name)) return;
    this.#options.readiness.delete(fifo);
    fs.closeSync(fifo);
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const part of [this.#spools.stdout, this.#spools.stderr, this.#progress, this.#log]) {
      part.close();
    }
    for (const subscriber of this.#subscribers) subscriber.end();
    this.#subscribers.clear();
    this.#finish();
  }
}
