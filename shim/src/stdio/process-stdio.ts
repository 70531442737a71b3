/** What connects one process to its client, whether by FIFOs or by a terminal. */
import type { StdioPaths } from '../state.ts';
import { FifoStdio } from './fifo-stdio.ts';
import type { LoggerParts } from './logger.ts';

export interface ProcessStdio {
  /** Descriptors 0 to 2 for the runtime, which hands them to the container. */
  readonly descriptors: readonly (number | 'ignore')[];
  /** Flags for the runtime (`--console-socket`). */
  readonly runtimeFlags: readonly string[];
  /** Resolves when the process may be made. */
  prepared(): Promise<void>;
  /** To be called when the runtime has made the process: takes over what it sent, lets go what it inherited. */
  connected(): Promise<void>;
  /** The process sees the end of its input once the client has closed it too. */
  closeStdin(): void;
  /** Throws conflict without a terminal. */
  resize(size: { columns: number; rows: number }): void;
  /** The process has ended: readers see the end of its output once they have read the rest. */
  processEnded(): void;
  /** Resolves when everything that the process wrote has reached the FIFO. */
  drained(): Promise<void>;
  /** Closes everything. Output that nobody has read is lost. */
  close(): void;
}

export interface Owner {
  uid: number;
  gid: number;
}

/**
 * Opens the client's end, or a logger. Throws not_found for a FIFO that is missing, invalid_argument for what is none,
 * unimplemented for a logger of an unknown kind.
 */
export async function openStdio(
  paths: StdioPaths,
  owner: Owner,
  parts: LoggerParts,
): Promise<ProcessStdio> {
  // Terminals and loggers load more of Node: most containers have neither.
  if (paths.stdout.includes('://')) {
    return new (await import('./logger-stdio.ts')).LoggerStdio(paths, parts);
  }
  if (paths.terminal) return new (await import('./console-stdio.ts')).ConsoleStdio(paths);
  return new FifoStdio(paths, owner);
}
