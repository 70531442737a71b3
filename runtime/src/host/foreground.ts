/**
 * A process that `run` or `exec` follows: signals go through to it, its terminal is shown on ours, its status becomes
 * our exit code.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DescriptorSocket } from '#lib/sys/descriptor-socket';
import { setWindowSize } from '#lib/sys/terminal';
import { errorCode, StackError } from '#spec/errors';
import type { Process } from '#spec/oci/process';
import type { StartedProcess } from './conversation.ts';

/** Those that end a process by default and that somebody may send us; SIGCHLD, SIGURG and SIGPIPE are our own. */
const forwarded: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
];

/** What is followed. */
export interface FollowedProcess {
  readonly process: StartedProcess;
  /** The wait status of the process, once it has ended. */
  waitForExit(): Promise<number>;
}

export class Foreground {
  readonly #cleanups: (() => void)[] = [];
  readonly #terminal: DescriptorSocket | undefined;
  /** Where the container's terminal is to be sent; undefined without one. */
  readonly consoleSocket: string | undefined;

  /** Throws invalid_argument when a console socket was given: this terminal is shown here. */
  constructor({ terminal }: Process, consoleSocket: string | undefined) {
    if (consoleSocket !== undefined) {
      throw new StackError(
        'invalid_argument',
        'cannot use console socket if runtime will not detach or allocate tty',
      );
    }
    if (!terminal) return;
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'runtime-console-'));
    this.#cleanups.push(() => fs.rmSync(directory, { recursive: true, force: true }));
    this.consoleSocket = path.join(directory, 'console.sock');
    const socket = new DescriptorSocket(this.consoleSocket);
    this.#terminal = socket;
    this.#cleanups.push(() => socket.close());
  }

  /** Exit status of the process, 128 and the signal where one killed it. */
  async follow(running: FollowedProcess): Promise<number> {
    for (const signal of forwarded) {
      const listener = () => sendQuietly(running.process.pid, signal);
      process.on(signal, listener);
      this.#cleanups.push(() => process.off(signal, listener));
    }
    const shown = this.#terminal && this.#showTerminal(this.#terminal);
    const status = await running.waitForExit();
    await shown;
    const signal = status & 0x7f;
    return signal === 0 ? (status >> 8) & 0xff : 128 + signal;
  }

  close(): void {
    for (const cleanup of this.#cleanups.splice(0).reverse()) cleanup();
  }

  /** Copies between our terminal and the container's until that is closed. */
  #showTerminal(socket: DescriptorSocket): Promise<void> {
    const master = socket.receive();
    if (master === undefined) throw new StackError('internal', 'the container sent no terminal');
    const tty = process.getBuiltinModule('node:tty'); // brings net along, for a terminal alone
    const output = new tty.ReadStream(master);
    const input = tty.isatty(0) ? new tty.ReadStream(0) : fs.createReadStream('', { fd: 0 });
    if (input instanceof tty.ReadStream) {
      input.setRawMode(true);
      this.#cleanups.push(() => input.setRawMode(false));
      const resize = () => {
        const [columns, rows] = new tty.WriteStream(0).getWindowSize();
        setWindowSize(master, { columns, rows });
      };
      resize();
      process.on('SIGWINCH', resize);
      this.#cleanups.push(() => process.off('SIGWINCH', resize));
    }
    this.#cleanups.push(() => input.destroy());
    input.on('data', (bytes: Buffer) => {
      output.write(bytes);
    });
    return new Promise((resolve) => {
      output.on('data', (bytes: Buffer) => fs.writeSync(1, bytes));
      output.on('error', () => resolve()); // EIO: the last process closed the terminal
      output.on('end', () => resolve());
    });
  }
}

function sendQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error; // it ends right now
  }
}
