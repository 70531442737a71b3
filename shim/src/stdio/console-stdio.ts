/**
 * Stdio by a terminal. The runtime makes the terminal in the container and sends its master end over the console
 * socket; the shim copies between that and the client's FIFOs, or a logger's pipe.
 */
import fs from 'node:fs';
import net from 'node:net';
import tty from 'node:tty';
import { StackError } from '#spec/errors';
import { setWindowSize } from '#lib/sys/terminal';
import type { StdioPaths } from '../state.ts';
import { ConsoleSocket } from './console-socket.ts';
import { Copy } from './copy.ts';
import { openInput, openOutput } from './fifo.ts';
import type { ConsoleHandover } from './handover.ts';
import type { Logger } from './logger.ts';
import type { ProcessStdio } from './process-stdio.ts';

/** A stream of a descriptor. */
interface End<Stream extends net.Socket> {
  readonly fd: number;
  readonly stream: Stream;
}

/** A FIFO or pipe with the copying between it and the terminal. */
interface Direction extends End<net.Socket> {
  readonly copy: Copy;
}

export class ConsoleStdio implements ProcessStdio {
  readonly descriptors = ['ignore', 'ignore', 'ignore'] as const;
  private readonly logger: Logger | undefined;
  /** What is open; without a master until the terminal has arrived. */
  private readonly opened: ConsoleHandover;
  private stdinWriter: number | undefined;
  private socket: ConsoleSocket | undefined;
  private terminal: End<tty.ReadStream> | undefined;
  private output: Direction | undefined;
  private input: Direction | undefined;

  private constructor(opened: ConsoleHandover, logger: Logger | undefined) {
    this.opened = opened;
    this.logger = logger;
    this.stdinWriter = opened.stdinWriter;
  }

  static open(paths: StdioPaths, logger: Logger | undefined): ConsoleStdio {
    const opened: ConsoleHandover = { kind: 'console' };
    const stdio = new ConsoleStdio(opened, logger);
    if (paths.stdin !== '') {
      const { reader, writer } = openInput(paths.stdin, { blocking: false });
      opened.input = { reader, pending: '' };
      stdio.stdinWriter = writer;
    }
    if (logger) {
      fs.closeSync(logger.stderr); // a terminal has one output
      opened.output = { writer: logger.stdout, pending: '' };
    } else if (paths.stdout !== '') {
      const { reader, writer } = openOutput(paths.stdout);
      opened.output = { writer, pending: '' };
      opened.outputReader = reader;
    }
    stdio.socket = new ConsoleSocket();
    return stdio;
  }

  static adopt(handover: ConsoleHandover, logger: Logger | undefined): ConsoleStdio {
    const stdio = new ConsoleStdio(handover, logger);
    stdio.startCopying(handover);
    return stdio;
  }

  get runtimeFlags(): readonly string[] {
    return this.socket ? ['--console-socket', this.socket.path] : [];
  }

  async prepared(): Promise<void> {
    await this.logger?.ready;
  }

  async connected(): Promise<void> {
    const master = await this.socket?.receive();
    this.removeSocket();
    if (master !== undefined) this.startCopying({ ...this.opened, master });
  }

  closeStdin(): void {
    if (this.stdinWriter !== undefined) fs.closeSync(this.stdinWriter);
    this.stdinWriter = undefined;
  }

  resize(size: { columns: number; rows: number }): void {
    if (!this.terminal || this.terminal.stream.destroyed) {
      throw new StackError('conflict', 'the terminal is closed');
    }
    setWindowSize(this.terminal.fd, size);
  }

  processEnded(): void {
    this.closeStdin();
  }

  async drained(): Promise<void> {
    await this.output?.copy.ended;
    await this.logger?.drained;
  }

  handOver(): ConsoleHandover {
    const { terminal, input, output, stdinWriter, logger } = this;
    const { outputReader } = this.opened;
    return {
      kind: 'console',
      ...(isOpen(terminal) && { master: terminal.fd }),
      ...(isOpen(terminal) &&
        isOpen(input) && { input: { reader: input.fd, pending: suspend(input) } }),
      ...(isOpen(output) &&
        !output.stream.writableEnded && {
          output: { writer: output.fd, pending: suspend(output) },
        }),
      ...(stdinWriter !== undefined && { stdinWriter }),
      ...(outputReader !== undefined && { outputReader }),
      ...(logger && { logger: logger.handOver() }),
    };
  }

  close(): void {
    this.closeStdin();
    this.removeSocket();
    const { input, output, outputReader } = this.opened;
    if (this.terminal) {
      for (const end of [this.input, this.terminal, this.output]) end?.stream.destroy();
    } else {
      for (const fd of [input?.reader, output?.writer]) if (fd !== undefined) fs.closeSync(fd);
    }
    if (outputReader !== undefined) fs.closeSync(outputReader);
  }

  /** Until the last process closes the terminal; the client or logger then reads the end. */
  private startCopying({ master, input, output }: ConsoleHandover): void {
    const stream = master === undefined ? undefined : new tty.ReadStream(master);
    if (master !== undefined && stream) this.terminal = { fd: master, stream };
    if (output) {
      const fd = output.writer;
      const sink = new net.Socket({ fd, readable: false, writable: true });
      const copy = new Copy(stream, sink, Buffer.from(output.pending, 'base64'));
      void copy.ended.then(() => sink.end());
      this.output = { fd, stream: sink, copy };
    } else {
      stream?.on('error', () => undefined); // EIO: the other end is closed
      stream?.resume();
    }
    if (input && stream) {
      const fd = input.reader;
      const source = new net.Socket({ fd, readable: true, writable: false });
      const copy = new Copy(source, stream, Buffer.from(input.pending, 'base64'));
      this.input = { fd, stream: source, copy };
    }
  }

  private removeSocket(): void {
    this.socket?.close();
    this.socket = undefined;
  }
}

function isOpen<E extends End<net.Socket>>(end: E | undefined): end is E {
  return end !== undefined && !end.stream.destroyed;
}

/** Stops a direction; base64. */
function suspend({ copy }: Direction): string {
  return copy.suspend().toString('base64');
}
