/** `runtime serve` as a test's own child, and the command lines that it is asked to carry out. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import type { Duplex } from 'node:stream';
import { executablePath } from '#lib/installation/installation';

export interface ServedCommand {
  args: readonly string[];
  cwd: string;
  /** Path of what becomes its stdout. */
  stdout?: string;
}

export class ServingRuntime {
  readonly child: ChildProcess;
  private readonly channel: Duplex;

  /** `command` is a command line that becomes the runtime. */
  constructor(command: readonly [string, ...string[]] = [executablePath('runtime'), 'serve']) {
    const [file, ...args] = command;
    this.child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
    this.channel = this.child.stdio[3] as Duplex; // 'pipe' makes a socket of it
    this.channel.on('error', () => undefined); // it was killed: 'close' follows
  }

  /** The exit code; undefined when the server was killed meanwhile. */
  async call({ args, cwd, stdout = '/dev/null' }: ServedCommand): Promise<number | undefined> {
    const stdio = ['/dev/null', stdout, '/dev/null'];
    const ended = new AbortController();
    const closed = once(this.channel, 'close', { signal: ended.signal }).then(
      () => [undefined],
      () => [undefined],
    );
    const answered = once(this.channel, 'data', { signal: ended.signal }).catch(() => closed);
    this.channel.write(`${JSON.stringify({ args, cwd, stdio })}\n`);
    const [answer] = (await Promise.race([answered, closed])) as [Buffer | undefined];
    ended.abort();
    return answer && (JSON.parse(answer.toString()) as { exitCode: number }).exitCode;
  }

  openDescriptors(): number {
    return fs.readdirSync(`/proc/${this.child.pid ?? 0}/fd`).length;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended();
  }

  async end(): Promise<void> {
    this.channel.end();
    await this.ended();
  }

  private async ended(): Promise<void> {
    const { exitCode, signalCode } = this.child;
    if (exitCode === null && signalCode === null) await once(this.child, 'exit');
  }
}
