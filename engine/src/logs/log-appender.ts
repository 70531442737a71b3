/**
 * Brings spooled output into the log, each byte once, whenever engined is killed:
 *
 *   FIFO --splice--> spool --append--> log        progress: { size of the log, bytes of the spool that are in it }
 *
 * Killed before the append was recorded, the next run cuts the log to the recorded size and appends the same bytes
 * again. The last, unfinished line stays in the spool until its end has come.
 */
import { timestampNow } from '#proto/timestamp';
import type { OutputStream } from '../daemon/output.ts';
import type { LogFile } from './log-file.ts';
import type { LogEncoder } from './log-format.ts';
import { completeLength } from './output-lines.ts';
import type { Progress, ProgressFile } from './progress-file.ts';
import type { StreamSpool } from './stream-spool.ts';

export type Spools = Readonly<Record<OutputStream, StreamSpool>>;

export class LogAppender {
  readonly #log: LogFile;
  readonly #encoder: LogEncoder;
  readonly #file: ProgressFile;
  readonly #spools: Spools;
  readonly #fifos: Readonly<Record<OutputStream, string>>;

  /** Takes up where the last run was interrupted. `fifos` identifies the FIFOs of this run. */
  constructor(
    log: LogFile,
    encoder: LogEncoder,
    file: ProgressFile,
    spools: Spools,
    before: Progress | undefined,
    fifos: Readonly<Record<OutputStream, string>>,
  ) {
    this.#log = log;
    this.#encoder = encoder;
    this.#file = file;
    this.#spools = spools;
    this.#fifos = fifos;
    if (before) log.truncate(before.logSize);
    for (const stream of ['stdout', 'stderr'] as const) {
      // Without a record nobody knows what the spool holds; another FIFO means that its run is over.
      if (!before) spools[stream].clear();
      else if (before[stream].fifo !== fifos[stream]) this.finish(stream);
    }
    this.#record();
  }

  /** Appends the whole lines of `bytes`, which is what `stream` has spooled. */
  append(stream: OutputStream, bytes: Buffer): void {
    this.#append(stream, bytes.subarray(0, completeLength(bytes)));
  }

  /** No more will come: also the last line that has no end. */
  finish(stream: OutputStream): void {
    const spool = this.#spools[stream];
    this.#append(stream, spool.readPending(Buffer.allocUnsafe(spool.pendingLength)));
    spool.clear();
    this.#record();
  }

  #append(stream: OutputStream, bytes: Buffer): void {
    if (bytes.length === 0) return;
    const time = timestampNow();
    const { entries, ends } = this.#encoder.encode(bytes, stream, time);
    let written = 0;
    let taken = 0;
    for (let next = 0; written < entries.length;) {
      if (this.#log.isFull) {
        // Killed before the record, the next run finds a log that is shorter than recorded, and leaves it.
        this.#log.rotate();
        this.#record();
      }
      let length = entries.length - written;
      let rawLength = bytes.length - taken;
      if (!this.#log.hasRoomFor(length)) {
        // The file is full after one of these entries.
        while (next < ends.length - 2 && this.#log.hasRoomFor((ends[next + 1] ?? 0) - written)) {
          next += 2;
        }
        rawLength = (ends[next] ?? 0) - taken;
        length = (ends[next + 1] ?? 0) - written;
      }
      this.#commit(stream, entries.subarray(written, written + length), rawLength);
      written += length;
      taken += rawLength;
    }
  }

  #commit(stream: OutputStream, entries: Buffer, rawLength: number): void {
    this.#log.append(entries);
    const spool = this.#spools[stream];
    spool.logged += rawLength;
    this.#record();
    if (spool.recycle()) this.#record();
  }

  #record(): void {
    const progress = (stream: OutputStream) => ({
      fifo: this.#fifos[stream],
      logged: this.#spools[stream].logged,
    });
    this.#file.write({
      logSize: this.#log.size,
      stdout: progress('stdout'),
      stderr: progress('stderr'),
    });
  }
}
