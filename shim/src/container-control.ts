/** What the runtime does to a container that is there: signals, freezing, limits, saving. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError, errorCode, messageOf } from '#spec/errors';
import type { Any } from '#proto/generated/google.protobuf';
import { checkpoint } from './checkpoint.ts';
import type { ContainerProcess } from './container-process.ts';
import type { RuntimeCommand } from './runtime-command.ts';
import type { ContainerState } from './state.ts';

export class ContainerControl {
  /** The runtime is freezing it. */
  isPausing = false;
  private readonly state: ContainerState;
  private readonly init: ContainerProcess;
  private readonly runtime: RuntimeCommand;

  constructor(state: ContainerState, init: ContainerProcess, runtime: RuntimeCommand) {
    this.state = state;
    this.init = init;
    this.runtime = runtime;
  }

  /** Sends a signal to a process; with `all`, to every process of the container. Throws not_found once it has ended. */
  async kill(target: ContainerProcess, signal: number, all: boolean): Promise<void> {
    const { pid, status, exit } = target.state;
    if (status === 'stopped' || exit || pid === 0) {
      throw new StackError('not_found', 'process already finished');
    }
    // The runtime knows how to reach every process, and how to kill what is frozen.
    if (target === this.init && (all || status === 'paused')) {
      await this.runtime.run('OCI runtime kill failed', {
        args: ['kill', ...(all ? ['--all'] : []), this.state.id, signal.toString()],
      });
      return;
    }
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (errorCode(error) === 'ESRCH')
        throw new StackError('not_found', 'process already finished');
      throw new StackError('invalid_argument', `cannot send signal ${signal}: ${messageOf(error)}`);
    }
  }

  async pause(): Promise<void> {
    this.init.require('pause', 'running');
    this.isPausing = true;
    try {
      await this.runtime.run('OCI runtime pause failed', { args: ['pause', this.state.id] });
    } finally {
      this.isPausing = false;
    }
    if (this.state.init.status === 'running') this.state.init.status = 'paused';
  }

  async resume(): Promise<void> {
    this.init.require('resume', 'paused');
    await this.runtime.run('OCI runtime resume failed', { args: ['resume', this.state.id] });
    if (this.state.init.status === 'paused') this.state.init.status = 'running';
  }

  /** `resources`: linux.resources as JSON. */
  async update(resources: string): Promise<void> {
    this.init.require('update', 'created', 'running', 'paused');
    // Not by stdin: crun opens /dev/stdin, which cannot be done with the sockets that Node makes of pipes.
    const file = path.join(this.state.bundle, 'resources.json');
    fs.writeFileSync(file, resources, { mode: 0o600 });
    try {
      const args = ['update', '--resources', file, this.state.id];
      await this.runtime.run('OCI runtime update failed', { args });
    } finally {
      fs.rmSync(file, { force: true });
    }
  }

  /** Saves the running container to the folder `image`; with the option `exit` it ends. */
  async checkpoint(image: string, options: Any | undefined): Promise<void> {
    this.init.require('checkpoint', 'running', 'paused');
    await checkpoint(this.runtime, this.state, image, options);
  }
}
