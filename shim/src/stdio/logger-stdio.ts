/** Stdio of a process whose output goes to a logger instead of a client. */
import fs from 'node:fs';
import { StackError } from '#spec/errors';
import type { StdioPaths } from '../state.ts';
import { openLogger, type Logger, type LoggerParts } from './logger.ts';
import type { ProcessStdio } from './process-stdio.ts';

export class LoggerStdio implements ProcessStdio {
  readonly descriptors: readonly (number | 'ignore')[];
  readonly runtimeFlags = [];
  private readonly logger: Logger;
  private readonly open: number[];

  /** Throws unimplemented for input or a terminal beside a logger, and for unknown kinds of loggers. */
  constructor(paths: StdioPaths, parts: LoggerParts) {
    if (paths.terminal || paths.stdin !== '') {
      throw new StackError(
        'unimplemented',
        'a terminal or input beside a logger is not implemented',
      );
    }
    if (paths.stderr !== '' && paths.stderr !== paths.stdout) {
      throw new StackError('unimplemented', 'stdout and stderr must go to the same logger');
    }
    this.logger = openLogger(paths.stdout, parts);
    this.open = [this.logger.stdout, this.logger.stderr];
    this.descriptors = ['ignore', ...this.open];
  }

  prepared(): Promise<void> {
    return this.logger.ready;
  }

  /** The logger sees the end of the output when the last process of the container closes it. */
  async connected(): Promise<void> {
    this.close();
  }

  closeStdin(): void {
    // there is none
  }

  resize(): never {
    throw new StackError('conflict', 'the process has no terminal');
  }

  processEnded(): void {
    // the container's own descriptors closed with it
  }

  drained(): Promise<void> {
    return this.logger.drained;
  }

  close(): void {
    for (const fd of this.open.splice(0)) fs.closeSync(fd);
  }
}
