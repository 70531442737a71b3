/**
 * How far a container's output has come into its log: one record, rewritten in place by a single write, which a
 * SIGKILL cannot cut in two. Written after each append; at a start it says what the last run had finished.
 */
import fs from 'node:fs';
import { StackError } from '#spec/errors';

export interface StreamProgress {
  /** Identity of the FIFO: another one means another run of the container. */
  fifo: string;
  /** Bytes of the spool that are in the log. */
  logged: number;
}

export interface Progress {
  /** Size of the log with everything that counts. */
  logSize: number;
  stdout: StreamProgress;
  stderr: StreamProgress;
}

const recordLength = 256;

export class ProgressFile {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
  }

  /** undefined when nothing was recorded yet, or the machine went down while it was. */
  read(): Progress | undefined {
    const record = Buffer.alloc(recordLength);
    const length = fs.readSync(this.#fd, record, 0, recordLength, 0);
    if (length < recordLength) return undefined;
    try {
      return JSON.parse(record.toString('utf8')) as Progress; // written by nobody but write()
    } catch {
      return undefined;
    }
  }

  write(progress: Progress): void {
    const text = JSON.stringify(progress);
    if (text.length > recordLength) {
      throw new StackError('internal', `progress record of ${text.length} bytes`);
    }
    fs.writeSync(this.#fd, text.padEnd(recordLength), 0);
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}
