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

/** A Node process costs 8 MB: it stays for the calls of one `run --rm`, not for those that follow in hours. */
const idleTimeoutMs = 2000;
/** Where `runtime serve` has its end of the channel. */
const channel = 3;

export interface ServedCall {
  /** The command line, global flags included. */
  args: readonly string[];
  cwd: string;
  /** Descriptors of the shim: FIFOs or pipes. */
  stdio: readonly (number | 'ignore')[];
}

export class RuntimeServer {
  /** The runtime that it is: calls of any other are not its business. */
  readonly binary = executablePath('runtime');
  private readonly child: ChildProcess;
  private readonly channel: Duplex;
  private isOpen = true;
  private answer: ((exitCode: number | undefined) => void) | undefined;
  private retirement: NodeJS.Timeout | undefined;

  /**
   * Starts it; with `hasTime` it goes through a create first, which the next one then is quicker by. The shim must be a
   * subreaper: the containers will be its children.
   */
  constructor({ hasTime = false }: { hasTime?: boolean } = {}) {
    this.child = spawn(this.binary, ['serve', ...(hasTime ? ['--rehearse'] : [])], {
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
      this.retirement = setTimeout(() => this.close(), idleTimeoutMs).unref();
    });
  }

  /** To be called by a shim that has a reaper: this child is not its business. */
  superviseBy(reaper: Reaper): void {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      reaper.leaveToLibuv(this.child);
    }
  }

  /** Whether a call can be made now. */
  accepts(binary: string): boolean {
    return this.isOpen && this.answer === undefined && binary === this.binary;
  }

  /** The exit code; undefined when it died meanwhile. To be called only when it {@link accepts}. */
  call({ args, cwd, stdio }: ServedCall): Promise<number | undefined> {
    clearTimeout(this.retirement);
    const paths = stdio.map((fd) =>
      fd === 'ignore' ? '/dev/null' : `/proc/${process.pid}/fd/${fd}`,
    );
    return new Promise((resolve) => {
      this.answer = resolve;
      this.channel.write(`${JSON.stringify({ args, cwd, stdio: paths })}\n`);
    });
  }

  /** It ends when it has finished what it does. */
  close(): void {
    clearTimeout(this.retirement);
    this.isOpen = false;
    this.channel.end();
  }

  /** Resolves when it has ended. */
  async end(): Promise<void> {
    this.close();
    const { child } = this;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await once(child, 'exit');
  }

  private ended(): void {
    this.isOpen = false;
    this.settle(undefined);
  }

  private settle(exitCode: number | undefined): void {
    const { answer } = this;
    this.answer = undefined;
    answer?.(exitCode);
  }
}
