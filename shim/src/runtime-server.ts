/**
 * Our runtime started ahead of time: `runtime serve` carries out command lines that the shim sends it, so that a create
 * or a start waits for no process start. It goes when it has had nothing to do for a while; further calls are made by
 * argv, as they are with every other runtime, and as they are while it is busy.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { executablePath } from '#lib/installation/installation';
import type { Reaper } from './reaper.ts';
import { runtimeEnvironment } from './runtime-environment.ts';
import { stdioPaths, type ServedCall, type ServedRuntime } from './served-runtime.ts';

/** A Node process costs 8 MB: it stays for the calls of one `run --rm`, not for those that follow in hours. */
const idleTimeoutMs = 2000;
/** After so many a further one saves nothing more (measured). */
const usefulRehearsals = 4;
/** Where `runtime serve` has its end of the channel. */
const channel = 3;

export class RuntimeServer implements ServedRuntime {
  readonly binary = executablePath('runtime');
  readonly isShared = false as const;
  readonly child: ChildProcess;
  /** Whether it takes calls: until it has had nothing to do for a while, or has ended. */
  isOpen = true;
  private readonly channel: Duplex;
  private rehearsals = 0;
  /** What it does when nobody has called; a call waits for it. */
  private pastime: Promise<unknown> = Promise.resolve();
  private isCalled = false;
  private isGone = false;
  private leaveReaper: (() => void) | undefined;
  private answer: ((exitCode: number | undefined) => void) | undefined;
  private retirement: NodeJS.Timeout | undefined;

  /** Starts it. The shim must be a subreaper: the containers will be its children. */
  constructor() {
    this.child = spawn(this.binary, ['serve'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      env: runtimeEnvironment(),
    });
    this.child.on('error', () => this.ended()); // not installed: every call is made by argv then, and says so
    this.child.on('exit', () => this.ended());
    this.channel = this.child.stdio[channel] as Duplex; // 'pipe' makes a socket of it
    this.channel.on('error', () => this.ended());
    let text = '';
    this.channel.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (!text.endsWith('\n')) return;
      const { exitCode } = JSON.parse(text) as { exitCode: number }; // our own runtime wrote it
      text = '';
      this.settle(exitCode);
    });
  }

  superviseBy(reaper: Reaper): void {
    this.leaveReaper?.();
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.leaveReaper = reaper.leaveToLibuv(this.child);
    }
  }

  /** Whether it would learn from a rehearsal. */
  get isNew(): boolean {
    return this.isOpen && this.rehearsals < usefulRehearsals;
  }

  /** Goes through a create that makes nothing: the next one is quicker by that. */
  async rehearse(): Promise<void> {
    this.rehearsals += 1;
    await this.passTime({ rehearse: true });
  }

  /** Gives back memory that it does not need while it waits. */
  async rest(): Promise<void> {
    if (this.isOpen && !this.isCalled) await this.passTime({ rest: true });
  }

  /** It does not retire until the next call. */
  stay(): void {
    clearTimeout(this.retirement);
  }

  accepts(binary: string): boolean {
    return this.isOpen && !this.isCalled && binary === this.binary;
  }

  async call({ args, cwd, stdio }: ServedCall): Promise<number | 'killed'> {
    this.isCalled = true;
    this.rehearsals = usefulRehearsals;
    clearTimeout(this.retirement);
    await this.pastime;
    const exitCode = await this.ask({ args, cwd, stdio: stdioPaths(stdio) });
    this.isCalled = false;
    this.retirement = setTimeout(() => this.close(), idleTimeoutMs).unref();
    return exitCode ?? 'killed';
  }

  close(): void {
    clearTimeout(this.retirement);
    this.isOpen = false;
    this.channel.end();
  }

  async end(): Promise<void> {
    this.close();
    const { child } = this;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await once(child, 'exit');
  }

  private async passTime(request: object): Promise<void> {
    const done = this.pastime.then(() => this.ask(request));
    this.pastime = done;
    await done;
  }

  /** Undefined when it has ended. One at a time. */
  private ask(request: object): Promise<number | undefined> {
    if (this.isGone) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.answer = resolve;
      this.channel.write(`${JSON.stringify(request)}\n`);
    });
  }

  private ended(): void {
    this.isOpen = false;
    this.isGone = true;
    this.settle(undefined);
  }

  private settle(exitCode: number | undefined): void {
    const { answer } = this;
    this.answer = undefined;
    answer?.(exitCode);
  }
}
