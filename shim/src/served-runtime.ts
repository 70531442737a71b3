/** Our runtime as a process that carries out command lines, so that a call waits for no process start. */
import type { Reaper } from './reaper.ts';

export interface ServedCall {
  /** The command line, global flags included. */
  args: readonly string[];
  cwd: string;
  /** Descriptors of the shim: FIFOs or pipes. */
  stdio: readonly (number | 'ignore')[];
}

export interface ServedRuntime {
  /** The runtime that it is: calls of any other are not its business. */
  readonly binary: string;
  /** Whether others wait while it serves this shim. */
  readonly isShared: boolean;
  /** Whether a call can be tried now. */
  accepts(binary: string): boolean;
  /**
   * The exit code, or `killed` where it died meanwhile; `declined` where nothing was done. To be called only when it
   * {@link accepts}.
   */
  call(call: ServedCall): Promise<number | 'killed' | 'declined'>;
  /** To be called by a shim that has a reaper: what it has started by node:child_process is not the reaper's business. */
  superviseBy(reaper: Reaper): void;
  /** It gets no more calls, and ends when it has finished what it does, unless others use it. */
  close(): void;
  /** {@link close}, and resolves when this shim has no process of it any more. */
  end(): Promise<void>;
}

/** Where a runtime finds the descriptors of this process. */
export function stdioPaths(stdio: ServedCall['stdio']): string[] {
  return stdio.map((fd) => (fd === 'ignore' ? '/dev/null' : `/proc/${process.pid}/fd/${fd}`));
}
