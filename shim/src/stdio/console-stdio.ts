/**
 * Stdio by a terminal. The runtime makes the terminal in the container and sends its master end over the console
 * socket; the shim copies between that and the client's FIFOs.
 */
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tty from 'node:tty';
import { StackError } from '#spec/errors';
import { DescriptorSocket } from '#lib/sys/descriptor-socket';
import { setWindowSize } from '#lib/sys/terminal';
import type { StdioPaths } from '../state.ts';
import { openInput, openOutput, type InputFifo, type OutputFifo } from './fifo.ts';
import type { ProcessStdio } from './process-stdio.ts';

/** How long the runtime may take to send the terminal after it said that all is done. */
const receiveTimeoutMs = 5000;
const receivePauseMs = 5;

export class ConsoleStdio implements ProcessStdio {
  readonly descriptors = ['ignore', 'ignore', 'ignore'] as const;
  readonly runtimeFlags: readonly string[];
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shim-console-'));
  private readonly socket: DescriptorSocket;
  private readonly input: InputFifo | undefined;
  private readonly output: OutputFifo | undefined;
  private master: { fd: number; stream: tty.ReadStream } | undefined;
  private outputStream: net.Socket | undefined;
  private inputStream: net.Socket | undefined;
  private stdinWriterOpen: boolean;
  private allCopied = Promise.resolve();

  constructor(paths: StdioPaths) {
    const socketPath = path.join(this.folder, 'console.sock');
    this.socket = new DescriptorSocket(socketPath);
    this.runtimeFlags = ['--console-socket', socketPath];
    this.input = paths.stdin === '' ? undefined : openInput(paths.stdin, { blocking: false });
    this.stdinWriterOpen = this.input !== undefined;
    this.output = paths.stdout === '' ? undefined : openOutput(paths.stdout);
  }

  async prepared(): Promise<void> {
    // nobody to wait for
  }

  async connected(): Promise<void> {
    const fd = await this.receiveMaster();
    this.removeSocket();
    const stream = new tty.ReadStream(fd);
    this.master = { fd, stream };
    this.copyOutput(stream);
    if (this.input) {
      this.inputStream = new net.Socket({ fd: this.input.reader, readable: true, writable: false });
      this.inputStream.pipe(stream, { end: false });
      this.inputStream.on('error', () => undefined); // the client's end broke: no more input
    }
  }

  closeStdin(): void {
    if (this.input && this.stdinWriterOpen) fs.closeSync(this.input.writer);
    this.stdinWriterOpen = false;
  }

  resize(size: { columns: number; rows: number }): void {
    if (!this.master || this.master.stream.destroyed) {
      throw new StackError('conflict', 'the terminal is closed');
    }
    setWindowSize(this.master.fd, size);
  }

  processEnded(): void {
    this.closeStdin();
  }

  drained(): Promise<void> {
    return this.allCopied;
  }

  close(): void {
    this.closeStdin();
    this.removeSocket();
    this.inputStream?.destroy();
    this.master?.stream.destroy();
    this.outputStream?.destroy();
    if (this.output) fs.closeSync(this.output.reader);
  }

  /** Until the last process closes the terminal; the client then reads the end. */
  private copyOutput(stream: tty.ReadStream): void {
    if (!this.output) {
      stream.resume();
      stream.on('error', () => undefined); // EIO is how a terminal says that its other end is closed
      return;
    }
    const sink = new net.Socket({ fd: this.output.writer, readable: false, writable: true });
    this.outputStream = sink;
    this.allCopied = new Promise((resolve) => {
      sink.once('close', () => resolve());
    });
    sink.on('error', () => undefined); // 'close' follows
    stream.on('error', () => sink.end()); // EIO
    stream.pipe(sink);
  }

  private async receiveMaster(): Promise<number> {
    const deadline = Date.now() + receiveTimeoutMs;
    while (Date.now() < deadline) {
      const fd = this.socket.receive();
      if (fd !== undefined) return fd;
      await new Promise((resolve) => setTimeout(resolve, receivePauseMs));
    }
    throw new StackError('deadline_exceeded', 'the runtime sent no terminal to the console socket');
  }

  private removeSocket(): void {
    if (!fs.existsSync(this.folder)) return;
    this.socket.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
