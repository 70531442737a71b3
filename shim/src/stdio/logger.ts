/**
 * Where output goes that no client reads: a file, or a program that logs it. The container writes into pipes.
 *
 *   binary:///path/logger?key=value   logger key value, with the pipes as descriptors 3 (stdout) and 4 (stderr); it
 *                                     closes 5 when it is ready. CONTAINER_ID and CONTAINER_NAMESPACE are set.
 *   binary-v2:///path/logger          the same, but it must write a byte to 5: one that crashed closes it, too
 *   file:///path/log                  both, appended to the file
 */
import { StackError } from '#spec/errors';
import type { Reaper } from '../reaper.ts';
import type { StdioPaths } from '../state.ts';
import type { LoggerHandover } from './handover.ts';
import { copyToLogFile, openLogFile } from './log-file.ts';
import { startLogProgram } from './log-program.ts';

export interface Logger {
  /** Write ends of the pipes, for the container; -1 in a successor. Blocking, as programs expect of their output. */
  readonly stdout: number;
  readonly stderr: number;
  /** Rejects if the logger cannot do its work. */
  readonly ready: Promise<void>;
  /** Resolves when everything was taken in. */
  readonly drained: Promise<void>;
  /** Stops at once, for a successor to go on. */
  handOver(): LoggerHandover;
}

export interface LoggerParts {
  containerId: string;
  namespace: string;
  reaper: Reaper;
}

/** Throws unimplemented for other schemes, invalid_argument for two different loggers. */
export function openLogger(paths: StdioPaths, parts: LoggerParts): Logger {
  if (paths.stderr !== '' && paths.stderr !== paths.stdout) {
    throw new StackError('invalid_argument', 'stdout and stderr must go to the same logger');
  }
  const uri = new URL(paths.stdout);
  switch (uri.protocol) {
    case 'binary:':
      return startLogProgram(uri, parts, { mustSayReady: false });
    case 'binary-v2:':
      return startLogProgram(uri, parts, { mustSayReady: true });
    case 'file:':
      return openLogFile(decodeURIComponent(uri.pathname));
    default:
      throw new StackError('unimplemented', `unknown STDIO scheme ${uri.protocol.slice(0, -1)}`);
  }
}

/** Goes on where the predecessor's {@link Logger.handOver} stopped. */
export function adoptLogger({ pid, copies }: LoggerHandover, { reaper }: LoggerParts): Logger {
  return {
    stdout: -1,
    stderr: -1,
    ready: Promise.resolve(),
    drained: Promise.all([
      pid === undefined ? undefined : reaper.ended(pid),
      copies && copyToLogFile(copies),
    ]).then(() => undefined),
    handOver: () => ({
      ...(pid !== undefined && { pid }),
      ...(copies && copies.log >= 0 && { copies }),
    }),
  };
}
