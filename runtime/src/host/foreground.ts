/**
 * A process that `run` or `exec` follows: signals go through to it, its terminal is shown on ours, its status becomes
 * our exit code.
 */
import fs from 'node:fs';
import { MSG_DONTWAIT, receiveMessage, sequencedPacketPair } from '#lib/sys/descriptor-socket';
import { setWindowSize } from '#lib/sys/terminal';
import { errorCode, StackError } from '#spec/errors';
import type { Process } from '#spec/oci/process';
import type { ConsoleSocket } from './console-socket.ts';
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

/** What comes along with a terminal; bytes. */
const largestName = 64;

/** What is followed. */
export interface FollowedProcess {
  readonly process: StartedProcess;
  /** The wait status of the process, once it has ended. */
  waitForExit(): Promise<number>;
}

export class Foreground {
  readonly #cleanups: (() => void)[] = [];
  /** Two ends: ours, and that of whoever sends the terminal. */
  readonly #terminal: readonly [number, number] | undefined;

  /** Throws invalid_argument when a console socket was given: this terminal is shown here. */
  constructor({ terminal }: Process, consoleSocket: string | undefined) {
    if (consoleSocket !== undefined) {
      throw new StackError(
        'invalid_argument',
        'cannot use console socket if runtime will not detach or allocate tty',
      );
    }
    if (!terminal) return;
    const ends = sequencedPacketPair();
    this.#terminal = ends;
    this.#cleanups.push(() => ends.forEach((fd) => fs.closeSync(fd)));
  }

  /** Where the container's terminal is to be sent; undefined without one. */
  get console(): ConsoleSocket | undefined {
    return this.#terminal && { descriptor: this.#terminal[1] };
  }

  /** Exit status of the process, 128 and the signal where one killed it. */
  async follow(running: FollowedProcess): Promise<number> {
    for (const signal of forwarded) {
      const listener = () => sendQuietly(running.process.pid, signal);
      process.on(signal, listener);
      this.#cleanups.push(() => process.off(signal, listener));
    }
    const shown = this.#terminal && this.#showTerminal(this.#terminal[0]);
    const status = await running.waitForExit();
    await shown;
    const signal = status & 0x7f;
    return signal === 0 ? (status >> 8) & 0xff : 128 + signal;
  }

  close(): void {
    for (const cleanup of this.#cleanups.splice(0).reverse()) cleanup();
  }

  /** Copies between our terminal and the container's until that is closed. */
  #showTerminal(socket: number): Promise<void> {
    const { descriptor: master } = receiveMessage(socket, largestName, MSG_DONTWAIT);
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
