/**
 * Output on its way from a FIFO to the log. splice(2) moves bytes from the FIFO into this file, and the kernel takes
 * out exactly what it has put in: whenever engined is killed, each byte is in one of the two, never in both or none.
 */
import fs from 'node:fs';
import { spliceToFile } from '#lib/sys/pipe';

/** Once this much is spooled and logged the file is begun anew. */
const recycleBytes = 1024 * 1024;

export class StreamSpool {
  readonly #fd: number;
  #size: number;
  /** Bytes from the start that are in the log. */
  logged: number;

  /** `logged` as the last run recorded it; beyond the file's end it was begun anew just before the end of that run. */
  constructor(path: string, logged: number) {
    this.#fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
    this.#size = fs.fstatSync(this.#fd).size;
    this.logged = logged > this.#size ? 0 : logged;
  }

  /** Moves what the FIFO has, up to `limit` bytes. 0 is the end of the output, undefined nothing at present. */
  fill(fifo: number, limit: number): number | undefined {
    const moved = spliceToFile(fifo, this.#fd, this.#size, limit);
    this.#size += moved ?? 0;
    return moved;
  }

  /** How much waits for the log. */
  get pendingLength(): number {
    return this.#size - this.logged;
  }

  /** What waits for the log, at the beginning of `memory`. */
  readPending(memory: Buffer): Buffer {
    const length = this.pendingLength;
    for (let read = 0; read < length;) {
      const count = fs.readSync(this.#fd, memory, read, length - read, this.logged + read);
      if (count === 0) throw new Error('the spool was truncated by somebody else');
      read += count;
    }
    return memory.subarray(0, length);
  }

  /**
   * Begins anew if enough is in the log, and all of it. Only after `logged` was recorded; the caller then records it
   * again. Killed in between, the next run finds a file shorter than the record, which tells it the same.
   */
  recycle(): boolean {
    if (this.#size > this.logged || this.#size < recycleBytes) return false;
    this.clear();
    return true;
  }

  clear(): void {
    fs.ftruncateSync(this.#fd, 0);
    this.#size = 0;
    this.logged = 0;
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}
