/**
 * Shims of ours that wait for a task. Some are started ahead of time; one that has served its task waits again, if
 * nothing of the task is left in it, so that tasks one after the other start no process at all.
 *
 *        start ──▶ waiting ── take ──▶ serving ── freed ──▶ waiting      more than `recycled` that were freed: ended at once
 *                     │                   │                              more than `size` that wait for long: ended
 *                   ended               is lost: a shim like any other
 */
import { messageOf } from '#spec/errors';
import type { Any } from '#proto/generated/google.protobuf';
import type { Logger } from '#lib/log/logger';
import type { Bundle } from './bundle.ts';
import type { ShimEnvironment } from './shim-binary.ts';
import type { SharedRuntime } from './shared-runtime.ts';
import { StandbyShim } from './standby-shim.ts';
import type { ShimEndpoint } from './shim-endpoint.ts';

/** After a standby was taken its place is filled once the task it went to has most likely started. */
const refillDelayMs = 500;
/** So long after one was freed nobody is about to start as many as before. */
const defaultTrimDelayMs = 10_000;

export interface StandbyShimsParts {
  /** Path of our shim. */
  shimPath: string;
  /** How many stand by; 0 for none, and then every task gets its shim by `start`. */
  size: number;
  /** How many wait at most after a busy time; 0: none serves twice. */
  recycled: number;
  /** How long more than `size` wait. */
  trimDelayMs?: number;
  environment: ShimEnvironment;
  /** The runtime that they have in common; each has its own without. */
  runtime?: SharedRuntime | undefined;
  log: Logger;
}

export class StandbyShims {
  readonly #parts: StandbyShimsParts;
  /** The one to take is the last: those that have served stand behind those that have not, the older behind the newer. */
  readonly #waiting: StandbyShim[] = [];
  /** By namespace and id of the task. */
  readonly #serving = new Map<string, StandbyShim>();
  #refill: NodeJS.Timeout | undefined;
  #trim: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(parts: StandbyShimsParts) {
    this.#parts = parts;
  }

  /** Starts as many as are missing. */
  fill(): void {
    this.#refill = undefined;
    if (this.#parts.size > 0) this.#parts.runtime?.start();
    while (this.#waiting.length < this.#parts.size) this.#waiting.unshift(this.#start());
  }

  /**
   * Makes a standby the shim of `bundle`, with the runtime's `options`, and says where it listens; starts one where none
   * waits. Undefined where `shimPath` is none of ours, or where it failed; nothing of it is left then.
   */
  async take(shimPath: string, bundle: Bundle, options?: Any): Promise<ShimEndpoint | undefined> {
    const { size, log } = this.#parts;
    if (size === 0 || shimPath !== this.#parts.shimPath) return undefined;
    this.#parts.runtime?.check();
    const standby = this.#waiting.pop() ?? this.#start();
    this.#refill ??= setTimeout(() => this.fill(), refillDelayMs);
    try {
      const endpoint = await standby.assign(bundle, options);
      this.#serving.set(keyOf(bundle), standby);
      void standby.freed.then((isFree) => this.#served(standby, bundle, isFree));
      return endpoint;
    } catch (error) {
      log.warn('a standby shim has failed', { ...bundle, reason: messageOf(error) });
      await standby.kill();
      return undefined;
    }
  }

  /** Something went wrong with a task: its shim shall serve no other. */
  giveUp(bundle: Bundle): void {
    const standby = this.#serving.get(keyOf(bundle));
    this.#serving.delete(keyOf(bundle));
    standby?.letGo();
  }

  /** Ends those that have no task. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#refill);
    clearTimeout(this.#trim);
    for (const standby of this.#serving.values()) standby.letGo();
    await Promise.all(this.#waiting.splice(0).map((standby) => standby.kill()));
    await this.#parts.runtime?.close();
  }

  #start(): StandbyShim {
    const { shimPath, environment, runtime, log } = this.#parts;
    const standby = new StandbyShim(shimPath, environment, runtime?.socket);
    void standby.ended.then((reason) => {
      const index = this.#waiting.indexOf(standby);
      if (index < 0) return;
      this.#waiting.splice(index, 1); // filled again with the next task: not over and over if it cannot start
      log.warn('a standby shim has ended', { reason });
    });
    return standby;
  }

  #served(standby: StandbyShim, bundle: Bundle, isFree: boolean): void {
    if (this.#serving.get(keyOf(bundle)) === standby) this.#serving.delete(keyOf(bundle));
    if (!isFree) return; // it has ended, or does when it is told to
    const { size, recycled, trimDelayMs = defaultTrimDelayMs } = this.#parts;
    if (this.#isClosed || this.#waiting.length >= Math.max(size, recycled) || recycled === 0) {
      void standby.kill();
    } else {
      this.#waiting.push(standby);
      this.#trim ??= setTimeout(() => this.#endIdle(), trimDelayMs);
      this.#trim.refresh();
    }
  }

  #endIdle(): void {
    this.#trim = undefined;
    const surplus = this.#waiting.length - this.#parts.size;
    for (const standby of this.#waiting.splice(0, Math.max(0, surplus))) void standby.kill();
  }
}

function keyOf({ namespace, id }: Bundle): string {
  return `${namespace}/${id}`;
}
