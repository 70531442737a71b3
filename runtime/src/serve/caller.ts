/** The connection of one caller of a shared runtime, for one command. All calls block, but not for longer than they may. */
import fs from 'node:fs';
import { waitReadable } from '#lib/sys/poll';
import type { LoaderRequest } from '#lib/loader/loader-request';
import { StackError } from '#spec/errors';

/** A caller does nothing before it answers but find the answer. One that is stopped must not hold up the others. */
const answerTimeoutMs = 5000;

export class Caller {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** What it wants done, once it was told that it is its turn; undefined where it wants nothing any more. */
  request(): string | undefined {
    try {
      this.#write({ ready: true });
      return this.#readLine();
    } catch {
      return undefined; // it went away, or is stopped
    }
  }

  /** Lets it start a loader, as its child. Throws unavailable where it does not. */
  startLoader(request: LoaderRequest): number {
    this.#write({ loader: { ...request, asking: process.pid } });
    const line = this.#readLine();
    if (line === undefined) throw new StackError('unavailable', 'the caller has gone');
    const { pid, error } = JSON.parse(line) as { pid?: unknown; error?: unknown };
    if (typeof pid === 'number') return pid;
    throw new StackError('unavailable', `the caller cannot start the loader: ${String(error)}`);
  }

  /** It may be gone: then nobody wants to know. */
  answer(exitCode: number): void {
    try {
      this.#write({ exitCode });
    } catch {
      return;
    }
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  #write(message: object): void {
    fs.writeSync(this.#fd, `${JSON.stringify(message)}\n`);
  }

  /** Undefined for the end of the connection. Throws deadline_exceeded. */
  #readLine(): string | undefined {
    const chunk = Buffer.alloc(65_536);
    const deadline = performance.now() + answerTimeoutMs;
    for (let text = ''; ;) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0 || waitReadable([this.#fd], leftMs).length === 0) {
        throw new StackError('deadline_exceeded', 'the caller does not answer');
      }
      const length = fs.readSync(this.#fd, chunk);
      if (length === 0) return undefined;
      text += chunk.toString('utf8', 0, length);
      if (text.endsWith('\n')) return text.slice(0, -1);
    }
  }
}
