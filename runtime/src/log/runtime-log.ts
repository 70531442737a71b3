/**
 * The log that shims read: runc's records, one per line, as JSON or text. Without `--log` they go to stderr.
 * An error in a log file is repeated on stderr for people.
 */
import fs from 'node:fs';

export type LogFormat = 'text' | 'json';
type Level = 'debug' | 'warning' | 'error';

export interface RuntimeLogOptions {
  file?: string | undefined;
  format?: LogFormat;
  debug?: boolean;
}

export class RuntimeLog {
  readonly #fd: number;
  readonly #format: LogFormat;
  readonly #debug: boolean;

  constructor({ file, format = 'text', debug = false }: RuntimeLogOptions = {}) {
    this.#fd = file === undefined ? 2 : fs.openSync(file, 'a', 0o644);
    this.#format = format;
    this.#debug = debug;
  }

  get isDebugging(): boolean {
    return this.#debug;
  }

  debug(message: string): void {
    if (this.#debug) this.#write('debug', message);
  }

  warn(message: string): void {
    this.#write('warning', message);
  }

  /** `details` are further fields of a JSON record. */
  error(message: string, details: Readonly<Record<string, unknown>> = {}): void {
    this.#write('error', message, details);
    if (this.#fd !== 2) writeQuietly(2, `${message}\n`);
  }

  /** To be called by a process that lives on. */
  close(): void {
    if (this.#fd !== 2) fs.closeSync(this.#fd);
  }

  #write(level: Level, msg: string, details: Readonly<Record<string, unknown>> = {}): void {
    const time = `${new Date().toISOString().slice(0, 19)}Z`;
    const line =
      this.#format === 'json'
        ? JSON.stringify({ level, msg, time, ...details })
        : `time="${time}" level=${level} msg=${JSON.stringify(msg)}`;
    writeQuietly(this.#fd, `${line}\n`);
  }
}

function writeQuietly(fd: number, text: string): void {
  try {
    fs.writeSync(fd, text);
  } catch {
    // Nobody listens: there is no better place to say so.
  }
}
