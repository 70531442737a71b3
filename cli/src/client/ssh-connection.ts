/** A connection with a daemon through a program: what it reads goes there, what it prints comes from there. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { Duplex } from 'node:stream';
import { StackError } from '#spec/errors';

/** The longest end of a program's messages that is repeated. */
const shownBytes = 4096;

export class ProgramConnection extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #words: readonly string[];
  #messages = '';

  constructor(program: string, args: readonly string[]) {
    super();
    this.#words = [program, ...args];
    // A session of its own: Ctrl-C is for the container, not for the connection.
    this.#child = spawn(program, args, { detached: true });
    const { stdin, stdout, stderr } = this.#child;
    this.#child.once('error', (error) => this.destroy(this.#failure(error.message)));
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#messages = (this.#messages + text).slice(-shownBytes);
    });
    stdin.on('error', () => undefined); // it has ended, which 'close' tells
    stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stdout.pause();
    });
    this.#child.once('close', (code, signal) => {
      if (code === 0 || this.destroyed) this.push(null);
      else this.destroy(this.#failure(signal ?? `exit status ${code ?? 'unknown'}`));
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#child.stdin.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill('SIGTERM');
    done(error);
  }

  // What node:http asks of a socket.
  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  #failure(reason: string): StackError {
    return new StackError(
      'unavailable',
      `command [${this.#words.join(' ')}] has exited with ${reason}, make sure the URL is valid, and Docker 18.09 or later is installed on the remote host: stderr=${this.#messages}`,
    );
  }
}
