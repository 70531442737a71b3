/**
 * Stdio without a terminal. The container writes straight into the client's FIFO and reads straight from it; the shim
 * only holds both ends open:
 *
 *   container ── own writer ──▶ FIFO ──▶ client          shim: a reader (unread bytes survive the client)
 *                                                        and a writer (until the process ends)
 */
import fs from 'node:fs';
import { StackError } from '#spec/errors';
import type { StdioPaths } from '../state.ts';
import { openForContainer, openInput, openOutput } from './fifo.ts';
import type { Owner, ProcessStdio } from './process-stdio.ts';

export class FifoStdio implements ProcessStdio {
  readonly descriptors: readonly (number | 'ignore')[];
  readonly runtimeFlags = [];
  private readonly forContainer: number[] = [];
  private readonly readers: number[] = [];
  private readonly writers: number[] = [];
  private stdinWriter: number | undefined;

  constructor(paths: StdioPaths, owner: Owner) {
    try {
      this.descriptors = [
        this.input(paths.stdin, owner),
        this.output(paths.stdout, owner),
        this.output(paths.stderr, owner),
      ];
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async prepared(): Promise<void> {
    // nobody to wait for
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
    // nothing passes through the shim
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
