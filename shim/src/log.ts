/**
 * The shim's log: one JSON object per line into the FIFO `log` of the bundle, which containerd copies into its own
 * log. The same records as winston writes in the daemons, without the cost of loading it.
 */
import fs from 'node:fs';
import { StackError } from '#spec/errors';

export interface ShimLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, error?: unknown): void;
}

/** A log that can be closed. */
export interface OpenLog extends ShimLog {
  /** The first thing that was not as it should be. */
  readonly complaint: string | undefined;
  close(): void;
}

/** Opens `file`; where that is not possible nothing is logged. `fields` are added to every record. */
export function openLog(
  file: string,
  debug: boolean,
  fields: Readonly<Record<string, unknown>>,
): OpenLog {
  let complaint: string | undefined;
  let fd: number | undefined;
  try {
    // Read and write: opening waits for nobody, and a daemon that goes away does not break the pipe.
    fd = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  } catch {
    fd = undefined; // a shim without a log still serves its container
  }
  const write = (level: string, msg: string, more: Readonly<Record<string, unknown>> = {}) => {
    if (fd === undefined) return;
    const time = new Date().toISOString();
    const record = { level, msg, time, component: 'containerd-shim-lite-v2', ...fields, ...more };
    try {
      fs.writeSync(fd, `${JSON.stringify(record)}\n`);
    } catch {
      // the pipe is full because nobody reads it: the record is lost, the container goes on
    }
  };
  return {
    get complaint() {
      return complaint;
    },
    close: () => {
      if (fd !== undefined) fs.closeSync(fd);
      fd = undefined;
    },
    debug: (message, more) => {
      if (debug) write('debug', message, more);
    },
    warn: (message, more) => {
      complaint ??= message;
      write('warning', message, more);
    },
    error: (message, error) => {
      complaint ??= message;
      write('error', message, {
        error:
          error instanceof StackError
            ? error.message
            : ((error as Error | undefined)?.stack ?? error),
      });
    },
  };
}
