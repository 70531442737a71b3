/**
 * Shims of ours that were started ahead of time: a task that gets one waits for no process to start.
 *
 *   containerd-lite ── exec ──▶ containerd-shim-lite-v2 standby: loads, and waits on descriptor 3, a socket
 *          │── {"namespace", "id", "bundle", "options"} ──▶ │ enters the bundle, listens on the container's socket
 *          │◀── {"address"} or {"error"} ─────── │ closes descriptor 3: from now on a shim like any other
 *
 * Until the answer the standby ends with us: it sees the end of its socket. Whatever goes wrong costs time only, for
 * the task then gets its shim by `start`, as from any containerd.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { Duplex } from 'node:stream';
import { StackError, messageOf } from '#spec/errors';
import { Any } from '#proto/generated/google.protobuf';
import type { Logger } from '#lib/log/logger';
import { parseEndpoint, type Bundle, type ShimEndpoint } from './bundle.ts';
import { lowerSessionPriority, restoreSessionPriority } from './session-priority.ts';
import { environmentOf, sharedFlags, type ShimEnvironment } from './shim-binary.ts';

/** After a standby was taken its place is filled once the task it went to has most likely started. */
const refillDelayMs = 500;
/** As long as `start` may take. */
const answerTimeoutMs = 30_000;
/** A process can change its command line but not lengthen it: room for `-namespace`, `-id` and both values. */
const room = ' '.repeat(12 + 2 * 76);

export interface StandbyShimsParts {
  /** Path of our shim. */
  shimPath: string;
  /** How many stand by; 0 for none. */
  size: number;
  environment: ShimEnvironment;
  log: Logger;
}

export class StandbyShims {
  readonly #parts: StandbyShimsParts;
  /** The oldest first: it has surely loaded everything. */
  readonly #waiting: StandbyShim[] = [];
  #refill: NodeJS.Timeout | undefined;

  constructor(parts: StandbyShimsParts) {
    this.#parts = parts;
  }

  /** Starts as many as are missing. */
  fill(): void {
    const { shimPath, size, environment, log } = this.#parts;
    this.#refill = undefined;
    while (this.#waiting.length < size) {
      const standby = new StandbyShim(shimPath, environment);
      this.#waiting.push(standby);
      void standby.ended.then((reason) => {
        const index = this.#waiting.indexOf(standby);
        if (index < 0) return;
        this.#waiting.splice(index, 1); // filled again with the next task: not over and over if it cannot start
        log.warn('a standby shim has ended', { reason });
      });
    }
  }

  /**
   * Makes a standby the shim of `bundle`, with the runtime's `options`, and says where it listens. Undefined where none stands by for `shimPath`, or
   * where it failed; nothing of it is left then.
   */
  async take(shimPath: string, bundle: Bundle, options?: Any): Promise<ShimEndpoint | undefined> {
    const { size, log } = this.#parts;
    if (size === 0 || shimPath !== this.#parts.shimPath) return undefined;
    const standby = this.#waiting.shift();
    this.#refill ??= setTimeout(() => this.fill(), refillDelayMs);
    if (!standby) return undefined;
    try {
      return await standby.assign(bundle, options);
    } catch (error) {
      log.warn('a standby shim has failed', { ...bundle, reason: messageOf(error) });
      await standby.kill();
      return undefined;
    }
  }

  /** Ends those that have no container. */
  async close(): Promise<void> {
    clearTimeout(this.#refill);
    await Promise.all(this.#waiting.splice(0).map((standby) => standby.kill()));
  }
}

/** One process, until it has a container. */
class StandbyShim {
  /** Resolves with the reason when the process has ended. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #control: Duplex | undefined;
  readonly #isLowered: boolean;

  constructor(shimPath: string, environment: ShimEnvironment) {
    this.#child = spawn(shimPath, [...sharedFlags(environment), '-id', room, 'standby'], {
      cwd: '/',
      detached: true, // a session of its own: it will outlive us
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      env: { ...environmentOf(environment), UV_THREADPOOL_SIZE: '1' },
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      this.#child.once('exit', (code, signal) =>
        resolve(signal ?? `exit status ${code ?? 'unknown'}`),
      );
    });
    const control = this.#child.stdio[3];
    this.#control = control instanceof Duplex ? control : undefined; // a 'pipe' is one, once it was started
    this.#control?.on('error', () => undefined); // its end follows
    const { pid } = this.#child;
    this.#isLowered = pid !== undefined && lowerSessionPriority(pid);
  }

  /** Throws unavailable, internal, or what the kernel says. */
  async assign({ namespace, id, path: bundle }: Bundle, any?: Any): Promise<ShimEndpoint> {
    const { pid } = this.#child;
    if (pid === undefined || !this.#control)
      throw new StackError('unavailable', 'it has not started');
    if (this.#isLowered) restoreSessionPriority(pid);
    const control = this.#control;
    const timer = setTimeout(() => control.destroy(), answerTimeoutMs);
    try {
      const options = any ? Any.encode(any).toString('base64') : '';
      control.write(`${JSON.stringify({ namespace, id, bundle, options })}\n`);
      return parseAnswer(await readAll(control));
    } finally {
      clearTimeout(timer);
      control.destroy();
    }
  }

  /** Resolves when it has ended. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}

function readAll(stream: Duplex): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    stream.on('close', () => resolve(text));
  });
}

function parseAnswer(text: string): ShimEndpoint {
  if (text === '') throw new StackError('unavailable', 'it has ended or does not answer');
  const { address, error } = JSON.parse(text) as { address?: string; error?: string }; // our own shim's
  if (address === undefined) throw new StackError('internal', error ?? text);
  return parseEndpoint(address);
}
