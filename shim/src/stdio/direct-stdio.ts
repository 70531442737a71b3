/**
 * Stdio without a terminal. The container writes straight into the client's FIFO, or the logger's pipe, and reads
 * straight from the client's; the shim only holds both ends of the FIFOs open:
 *
 *   container ── own writer ──▶ FIFO ──▶ client          shim: a reader (unread bytes survive the client)
 *                                                        and a writer (until the process ends)
 */
import fs from 'node:fs';
import { StackError } from '#spec/errors';
import type { StdioPaths } from '../state.ts';
import { openForContainer, openInput, openOutput } from './fifo.ts';
import type { DirectHandover } from './handover.ts';
import type { Logger } from './logger.ts';
import type { Owner, ProcessStdio } from './process-stdio.ts';

export class DirectStdio implements ProcessStdio {
  readonly descriptors: (number | 'ignore')[] = ['ignore', 'ignore', 'ignore'];
  readonly runtimeFlags = [];
  private readonly forContainer: number[] = [];
  private readonly readers: number[] = [];
  private readonly writers: number[] = [];
  private readonly logger: Logger | undefined;
  private stdinWriter: number | undefined;

  private constructor(logger: Logger | undefined) {
    this.logger = logger;
  }

  /** Throws what opening the FIFOs throws; nothing stays open then. */
  static open(paths: StdioPaths, owner: Owner, logger: Logger | undefined): DirectStdio {
    const stdio = new DirectStdio(logger);
    try {
      stdio.descriptors[0] = stdio.input(paths.stdin, owner);
      if (logger) {
        stdio.descriptors.splice(1, 2, logger.stdout, logger.stderr);
        stdio.forContainer.push(logger.stdout, logger.stderr);
      } else {
        stdio.descriptors[1] = stdio.output(paths.stdout, owner);
        stdio.descriptors[2] = stdio.output(paths.stderr, owner);
      }
      return stdio;
    } catch (error) {
      stdio.close();
      throw error;
    }
  }

  static adopt(handover: DirectHandover, logger: Logger | undefined): DirectStdio {
    const stdio = new DirectStdio(logger);
    stdio.readers.push(...handover.readers);
    stdio.writers.push(...handover.writers);
    stdio.stdinWriter = handover.stdinWriter;
    return stdio;
  }

  async prepared(): Promise<void> {
    await this.logger?.ready;
  }

  async connected(): Promise<void> {
    closeAll(this.forContainer);
  }

  closeStdin(): void {
    if (this.stdinWriter !== undefined) fs.closeSync(this.stdinWriter);
    this.stdinWriter = undefined;
  }

  resize(): never {
    throw new StackError('conflict', 'the process has no terminal');
  }

  processEnded(): void {
    this.closeStdin();
    closeAll(this.writers);
  }

  async drained(): Promise<void> {
    await this.logger?.drained; // nothing else passes through the shim
  }

  handOver(): DirectHandover {
    const { readers, writers, stdinWriter, logger } = this;
    return {
      kind: 'direct',
      readers,
      writers,
      ...(stdinWriter !== undefined && { stdinWriter }),
      ...(logger && { logger: logger.handOver() }),
    };
  }

  close(): void {
    this.closeStdin();
    for (const descriptors of [this.forContainer, this.writers, this.readers])
      closeAll(descriptors);
  }

  private input(file: string, owner: Owner): number | 'ignore' {
    if (file === '') return 'ignore';
    const { reader, writer } = openInput(file, { blocking: true });
    this.stdinWriter = writer;
    this.forContainer.push(reader);
    giveTo(owner, reader);
    return reader;
  }

  private output(file: string, owner: Owner): number | 'ignore' {
    if (file === '') return 'ignore';
    const { reader, writer } = openOutput(file);
    this.readers.push(reader);
    this.writers.push(writer);
    // Whoever opens /dev/stdout in the container opens this FIFO and needs to be its owner.
    giveTo(owner, reader);
    const descriptor = openForContainer(file);
    this.forContainer.push(descriptor);
    return descriptor;
  }
}

/** Without an owner (0) the FIFO stays its maker's. */
function giveTo({ uid, gid }: Owner, fd: number): void {
  if (uid !== 0 || gid !== 0) fs.fchownSync(fd, uid, gid);
}

function closeAll(descriptors: number[]): void {
  for (const fd of descriptors.splice(0)) fs.closeSync(fd);
}
