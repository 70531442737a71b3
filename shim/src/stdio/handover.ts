/** What is open for a process, by descriptor: all that a successor of this shim needs to go on with its stdio. */

export interface LoggerHandover {
  /** `binary://`: the program. */
  pid?: number;
  /** `file://`: where the pipes of stdout and stderr are copied to, and their reading ends. */
  copies?: { log: number; sources: number[] };
}

/** FIFOs and pipes that the process uses without the shim. */
export interface DirectHandover {
  kind: 'direct';
  readers: number[];
  writers: number[];
  stdinWriter?: number;
  logger?: LoggerHandover;
}

/** A terminal, between which and the client the shim copies. */
export interface ConsoleHandover {
  kind: 'console';
  /** Absent once the last process has closed its end. */
  master?: number;
  /** `pending`: base64, read and not written to the terminal yet. */
  input?: { reader: number; pending: string };
  stdinWriter?: number;
  /** `pending`: base64, written by the process and not in the FIFO or pipe yet. */
  output?: { writer: number; pending: string };
  outputReader?: number;
  logger?: LoggerHandover;
}

export type StdioHandover = DirectHandover | ConsoleHandover;

/** Every descriptor in it. */
export function descriptorsOf(stdio: StdioHandover): number[] {
  const { logger } = stdio;
  const ofLogger = logger?.copies ? [logger.copies.log, ...logger.copies.sources] : [];
  const own =
    stdio.kind === 'direct'
      ? [...stdio.readers, ...stdio.writers]
      : [stdio.master, stdio.input?.reader, stdio.output?.writer, stdio.outputReader];
  return [...own, stdio.stdinWriter, ...ofLogger].filter(
    (fd) => fd !== undefined && fd >= 0,
  ) as number[];
}
