/** Lets the runtime make a process, and knows how it ended even if that was before its pid was known. */
import fs from 'node:fs';
import { StackError } from '#spec/errors';
import type { ContainerProcess } from './container-process.ts';
import type { Reaper } from './reaper.ts';
import type { RuntimeCommand } from './runtime-command.ts';
import type { ContainerState, ExitRecord } from './state.ts';
import { openStdio } from './stdio/process-stdio.ts';

export class ProcessLauncher {
  private readonly state: ContainerState;
  private readonly runtime: RuntimeCommand;
  private readonly reaper: Reaper;
  private underWay = 0;
  /** Exits of children that nobody knows yet, while a runtime is making a process. */
  private readonly unclaimed = new Map<number, ExitRecord>();

  constructor(state: ContainerState, runtime: RuntimeCommand, reaper: Reaper) {
    this.state = state;
    this.runtime = runtime;
    this.reaper = reaper;
  }

  /**
   * Runs the runtime with the process's stdio and sets the process's pid. `args` gets flags that the stdio needs.
   * Throws what the runtime reports, after `what`. On success {@link claim} must follow: until then exits of
   * unknown children are kept.
   */
  async launch(
    process: ContainerProcess,
    pidFile: string,
    what: string,
    args: (more: readonly string[]) => string[],
  ): Promise<void> {
    const { id: containerId, namespace, runtime } = this.state;
    const owner = { uid: runtime.ioUid, gid: runtime.ioGid };
    const logger = { containerId, namespace, reaper: this.reaper };
    const stdio = await openStdio(process.state.stdio, owner, logger);
    process.stdio = stdio;
    this.underWay += 1;
    try {
      await stdio.prepared();
      await this.runtime.run(what, { args: args(stdio.runtimeFlags), stdio: stdio.descriptors });
      await stdio.connected();
      process.state.pid = readPid(pidFile);
    } catch (error) {
      this.underWay -= 1;
      this.forget();
      throw error;
    }
  }

  /** Keeps the exit of an unknown child in case it turns out to be a process that is just being made. */
  remember(exit: ExitRecord): void {
    if (this.underWay > 0) this.unclaimed.set(exit.pid, exit);
  }

  /** To be called once for a launched process: its exit, if it ended before its pid was known. */
  claim(pid: number): ExitRecord | undefined {
    const exit = this.unclaimed.get(pid);
    this.unclaimed.delete(pid);
    this.underWay -= 1;
    this.forget();
    return exit;
  }

  /** Once nothing is being made, what is left were orphans; their pids will be used again. */
  private forget(): void {
    if (this.underWay === 0) this.unclaimed.clear();
  }
}

function readPid(file: string): number {
  const pid = Number(fs.readFileSync(file, 'utf8').trim());
  if (Number.isInteger(pid) && pid > 0) return pid;
  throw new StackError('internal', `the runtime wrote no pid to ${file}`);
}
