/**
 * The runtime that our standby shims have in common: one process, started ahead of time, that carries out what they would
 * start a runtime each for. It ends with us; shims that outlive us start runtimes then, and find that of our successor at
 * the same path.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { executablePath } from '#lib/installation/installation';
import type { Logger } from '#lib/log/logger';
import { longestSocketPath } from '#lib/sys/unix-address';

/** Whether it still takes turns is looked at no more often than this. */
const checkPauseMs = 2000;
/** Longer than any command should take: a file system hangs, or a cgroup without memory whose processes are not killed. */
const patienceMs = 10_000;
/** It is not started over and over where it cannot run. */
const restartDelayMs = 1000;
/** It may be carrying something out when it is told to go. */
const endTimeoutMs = 2000;
/** Its end of a socket of which we have the other: our end is its end. */
const lifeline = 3;

export class SharedRuntime {
  /** Path. */
  readonly socket: string;
  readonly #log: Logger;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isClosed = false;
  #checkedAtMs = -Infinity;
  /** Those that hang, until they end. */
  readonly #stuck = new Set<ChildProcess>();

  /** One that listens in the folder `state`; undefined where the path would be too long for a socket. */
  static in(state: string, log: Logger): SharedRuntime | undefined {
    const socket = path.join(state, 'runtime.sock');
    if (Buffer.byteLength(socket) <= longestSocketPath) return new SharedRuntime(socket, log);
    log.info('shims have a runtime each: the path of a common one is too long', { socket });
    return undefined;
  }

  private constructor(socket: string, log: Logger) {
    this.socket = socket;
    this.#log = log;
  }

  /** Starts it if it does not run. Until it listens, shims do without. */
  start(): void {
    if (this.#child || this.#restart || this.#isClosed) return;
    const { NOTIFY_SOCKET: _ofTheDaemon, ...env } = process.env;
    const child = spawn(executablePath('runtime'), ['serve', '--listen', this.socket], {
      cwd: '/',
      detached: true, // a signal to our process group must not reach it
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      env,
    });
    this.#child = child;
    (child.stdio[lifeline] as Duplex | undefined)?.on('error', () => undefined); // 'exit' follows
    child.once('error', (error) => this.#ended(child, error.message));
    child.once('exit', (code, signal) => {
      this.#ended(child, signal ?? `exit status ${code ?? 'unknown'}`);
    });
  }

  /** To be called when there will be work for it: finds out whether it hangs, and puts another in its place then. */
  check(): void {
    const child = this.#child;
    if (!child || performance.now() - this.#checkedAtMs < checkPauseMs) return;
    this.#checkedAtMs = performance.now();
    const connection = net.connect(this.socket);
    const timer = setTimeout(() => {
      connection.destroy();
      this.#replace(child);
    }, patienceMs).unref();
    connection.once('data', () => connection.destroy()); // its turn has come
    connection.on('error', () => undefined); // 'close' follows
    connection.once('close', () => clearTimeout(timer));
  }

  /** Resolves when it has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#restart);
    for (const stuck of this.#stuck) stuck.kill('SIGKILL');
    const child = this.#child;
    if (!child) return;
    const timer = setTimeout(() => child.kill('SIGKILL'), endTimeoutMs);
    await new Promise((resolve) => {
      child.once('exit', resolve);
      (child.stdio[lifeline] as Duplex).destroy();
    });
    clearTimeout(timer);
    fs.rmSync(this.socket, { force: true });
  }

  /** The other one listens at the same path; this one ends when it has finished what it does. */
  #replace(child: ChildProcess): void {
    if (child !== this.#child || this.#isClosed) return;
    this.#log.warn('the runtime of the shims hangs: another takes its place', { pid: child.pid });
    this.#stuck.add(child);
    (child.stdio[lifeline] as Duplex).destroy();
    this.#child = undefined;
    this.start();
  }

  #ended(child: ChildProcess, reason: string): void {
    this.#stuck.delete(child);
    if (child !== this.#child) return;
    this.#child = undefined;
    if (this.#isClosed) return;
    this.#log.warn('the runtime of the shims has ended', { reason });
    this.#restart = setTimeout(() => {
      this.#restart = undefined;
      this.start();
    }, restartDelayMs);
  }
}
