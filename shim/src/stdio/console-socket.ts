/** The socket over which the runtime sends the master end of the terminal that it made (`--console-socket`). */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StackError } from '#spec/errors';
import { DescriptorSocket } from '#lib/sys/descriptor-socket';

/** How long the runtime may take to send the terminal after it said that all is done. */
const receiveTimeoutMs = 5000;
const receivePauseMs = 5;

export class ConsoleSocket {
  readonly path: string;
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shim-console-'));
  private readonly socket: DescriptorSocket;

  constructor() {
    this.path = path.join(this.folder, 'console.sock');
    this.socket = new DescriptorSocket(this.path);
  }

  /** The terminal's descriptor. Throws deadline_exceeded when none comes. */
  async receive(): Promise<number> {
    const deadline = Date.now() + receiveTimeoutMs;
    while (Date.now() < deadline) {
      const fd = this.socket.receive();
      if (fd !== undefined) return fd;
      await delay(receivePauseMs);
    }
    throw new StackError('deadline_exceeded', 'the runtime sent no terminal to the console socket');
  }

  close(): void {
    this.socket.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
