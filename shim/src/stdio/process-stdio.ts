/** What connects one process to its client or logger, whether directly or by a terminal. */
import type { StdioPaths } from '../state.ts';
import { DirectStdio } from './direct-stdio.ts';
import type { StdioHandover } from './handover.ts';
import type { Logger, LoggerParts } from './logger.ts';

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
  /** Resolves when everything that the process wrote has reached the FIFO or the logger. */
  drained(): Promise<void>;
  /** Stops copying, at once and for good, and leaves everything open for a successor. */
  handOver(): StdioHandover;
  /** Closes everything. Output that nobody has read is lost. */
  close(): void;
}

export interface Owner {
  uid: number;
  gid: number;
}

/**
 * Opens the client's end, or a logger. Throws not_found for a FIFO that is missing, invalid_argument for what is none,
 * unimplemented for an unknown scheme.
 */
export async function openStdio(
  paths: StdioPaths,
  owner: Owner,
  parts: LoggerParts,
): Promise<ProcessStdio> {
  const plain = {
    ...paths,
    stdin: withoutFifoScheme(paths.stdin),
    stdout: withoutFifoScheme(paths.stdout),
    stderr: withoutFifoScheme(paths.stderr),
  };
  // Terminals and loggers load more of Node: most containers have neither.
  const logger = plain.stdout.includes('://')
    ? (await import('./logger.ts')).openLogger(plain, parts)
    : undefined;
  if (!plain.terminal) return DirectStdio.open(plain, owner, logger);
  return (await import('./console-stdio.ts')).ConsoleStdio.open(plain, logger);
}

/** Goes on where {@link ProcessStdio.handOver} of the predecessor stopped. */
export async function adoptStdio(stdio: StdioHandover, parts: LoggerParts): Promise<ProcessStdio> {
  const logger: Logger | undefined =
    stdio.logger && (await import('./logger.ts')).adoptLogger(stdio.logger, parts);
  if (stdio.kind === 'direct') return DirectStdio.adopt(stdio, logger);
  return (await import('./console-stdio.ts')).ConsoleStdio.adopt(stdio, logger);
}

function withoutFifoScheme(target: string): string {
  return target.replace(/^fifo:\/\//, '');
}
