/** One container: its first process, its execs, and what may happen to them when. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError, errorCode, messageOf } from '#spec/errors';
import type { Cgroup } from '#lib/cgroup/layout';
import { oomKills } from '#lib/cgroup/oom';
import {
  TaskExecAdded,
  TaskExecStarted,
  TaskExit,
  TaskOOM,
  TaskStart,
} from '#proto/generated/containerd.events';
import { ReportedError } from '#proto/status';
import { timestampNow } from '#proto/timestamp';
import { cgroupOf } from './container-cgroup.ts';
import { ContainerProcess } from './container-process.ts';
import type { EventPublisher } from './event-publisher.ts';
import type { ShimLog } from './log.ts';
import { ProcessLauncher } from './process-launcher.ts';
import type { Reaper } from './reaper.ts';
import { unmountRootfs } from './rootfs.ts';
import type { RuntimeCommand } from './runtime-command.ts';
import { forgetState, saveExit, saveState, type ContainerState, type ExitRecord } from './state.ts';
import type { StdioPaths } from './state.ts';

/** How long Delete waits for output that is still on its way to the client's FIFO. */
const drainTimeoutMs = 2000;
const SIGKILL = 9;

export interface ContainerParts {
  runtime: RuntimeCommand;
  reaper: Reaper;
  events: EventPublisher;
  log: ShimLog;
}

export class Container {
  readonly state: ContainerState;
  readonly init: ContainerProcess;
  private readonly execs = new Map<string, ContainerProcess>();
  private readonly runtime: RuntimeCommand;
  private readonly launcher: ProcessLauncher;
  private readonly events: EventPublisher;
  private readonly log: ShimLog;
  private cgroup: Cgroup | undefined;
  private reportedOomKills = 0;

  constructor(state: ContainerState, { runtime, reaper, events, log }: ContainerParts) {
    this.state = state;
    this.init = new ContainerProcess(state.init);
    this.runtime = runtime;
    this.launcher = new ProcessLauncher(state, runtime, reaper);
    this.events = events;
    this.log = log;
  }

  /** The task for an empty id. Throws not_found. */
  process(execId: string): ContainerProcess {
    if (execId === '') return this.init;
    const found = this.execs.get(execId);
    if (!found) throw new StackError('not_found', `process ${execId}: not found`);
    return found;
  }

  /** Runs `runtime create`; `announce` publishes the create event as soon as the pid is known. */
  async create(announce: (pid: number) => void): Promise<void> {
    const { id, bundle, runtime } = this.state;
    const pidFile = path.join(bundle, 'init.pid');
    const flags = ['--bundle', bundle, '--pid-file', pidFile];
    if (runtime.noPivotRoot) flags.push('--no-pivot');
    if (runtime.noNewKeyring) flags.push('--no-new-keyring');
    await this.launcher.launch(this.init, pidFile, 'OCI runtime create failed', (more) => [
      'create',
      ...flags,
      ...more,
      id,
    ]);
    const { pid } = this.state.init;
    this.cgroup = cgroupOf(pid);
    saveState(this.state);
    announce(pid);
    this.claim(this.init);
  }

  /** Starts the task or an exec and returns its pid. */
  async start(execId: string): Promise<number> {
    const process = this.process(execId);
    process.require('start', 'created');
    if (process.startUnderWay) throw new StackError('conflict', 'the process is being started');
    process.startUnderWay = true;
    try {
      await (execId === '' ? this.startInit() : this.startExec(process));
    } finally {
      process.startUnderWay = false;
      const exit = process.exitWaiting;
      process.exitWaiting = undefined;
      if (exit) this.announceExit(process, exit);
    }
    return process.state.pid;
  }

  addExec(execId: string, spec: string, stdio: StdioPaths): void {
    this.init.require('exec in', 'created', 'running');
    if (this.execs.has(execId)) {
      throw new StackError('already_exists', `exec "${execId}" already exists`);
    }
    const process = new ContainerProcess({ execId, pid: 0, status: 'created', stdio, spec });
    this.execs.set(execId, process);
    this.state.execs.push(process.state);
    this.events.publish('/tasks/exec-added', TaskExecAdded, {
      containerId: this.state.id,
      execId,
    });
  }

  async kill(execId: string, signal: number, all: boolean): Promise<void> {
    const target = this.process(execId);
    const { pid, status } = target.state;
    if (status === 'stopped' || pid === 0) {
      throw new StackError('not_found', 'process already finished');
    }
    // The runtime knows how to reach every process, and how to kill what is frozen.
    if (execId === '' && (all || status === 'paused')) {
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
    await this.runtime.run('OCI runtime pause failed', { args: ['pause', this.state.id] });
    if (this.state.init.status === 'running') this.state.init.status = 'paused';
  }

  async resume(): Promise<void> {
    this.init.require('resume', 'paused');
    await this.runtime.run('OCI runtime resume failed', { args: ['resume', this.state.id] });
    if (this.state.init.status === 'paused') this.state.init.status = 'running';
  }

  async update(resources: string): Promise<void> {
    this.init.require('update', 'created', 'running', 'paused');
    await this.runtime.run('OCI runtime update failed', {
      args: ['update', '--resources', '-', this.state.id],
      input: resources,
    });
  }

  /** The container's cgroup. Throws not_found where it has none of its own. */
  requireCgroup(): Cgroup {
    if (!this.cgroup) throw new StackError('not_found', 'cgroup does not exist');
    return this.cgroup;
  }

  /** Which exec a process of the container is, if it is one's first. */
  execOfPid(pid: number): string | undefined {
    return [...this.execs.values()].find(({ state }) => state.pid === pid)?.state.execId;
  }

  /** Removes a process that has ended or was never started; the container with its first one. */
  async delete(execId: string): Promise<ExitRecord> {
    const process = this.process(execId);
    process.require('delete', 'created', 'stopped');
    if (process.startUnderWay) throw new StackError('conflict', 'the process is being started');
    await Promise.race([process.stdio?.drained(), pause(drainTimeoutMs)]);
    if (execId === '') await this.deleteContainer();
    process.stdio?.close();
    if (execId !== '') {
      this.execs.delete(execId);
      this.state.execs.splice(this.state.execs.indexOf(process.state), 1);
    }
    return (
      process.state.exit ?? { pid: process.state.pid, exitStatus: 0, exitedAt: timestampNow() }
    );
  }

  /** To be told about every child that has ended. */
  childExited(pid: number, exitStatus: number): void {
    const exit = { pid, exitStatus, exitedAt: timestampNow() };
    const process = [this.init, ...this.execs.values()].find(
      ({ state }) => state.pid === pid && state.status !== 'stopped',
    );
    if (!process) {
      this.launcher.remember(exit);
    } else if (process.startUnderWay) process.exitWaiting = exit;
    else this.announceExit(process, exit);
  }

  /** Undoes a create that failed, also where the runtime had done its part. */
  async abandon(): Promise<void> {
    this.init.stdio?.close();
    try {
      await this.runtime.run('OCI runtime delete failed', {
        args: ['delete', '--force', this.state.id],
      });
    } catch (error) {
      this.log.debug(messageOf(error)); // nothing had been created
    }
    if (this.state.rootfsMounted) unmountRootfs(path.join(this.state.bundle, 'rootfs'));
  }

  private async startInit(): Promise<void> {
    await this.runtime.run('OCI runtime start failed', { args: ['start', this.state.id] });
    this.state.init.status = 'running';
    const { id, init } = this.state;
    this.events.publish('/tasks/start', TaskStart, { containerId: id, pid: init.pid });
  }

  private async startExec(process: ContainerProcess): Promise<void> {
    this.init.require('exec in', 'created', 'running');
    const { execId, spec = '' } = process.state;
    const { id, bundle } = this.state;
    const specFile = path.join(bundle, `${execId}.process.json`);
    const pidFile = path.join(bundle, `${execId}.pid`);
    fs.writeFileSync(specFile, spec, { mode: 0o600 });
    try {
      await this.launcher.launch(process, pidFile, 'OCI runtime exec failed', (more) => [
        'exec',
        ...['--process', specFile, '--detach', '--pid-file', pidFile],
        ...more,
        id,
      ]);
    } catch (error) {
      process.stdio?.close();
      process.stdio = undefined;
      throw error;
    } finally {
      fs.rmSync(specFile, { force: true });
      fs.rmSync(pidFile, { force: true });
    }
    process.state.status = 'running';
    const { pid } = process.state;
    this.events.publish('/tasks/exec-started', TaskExecStarted, { containerId: id, execId, pid });
    this.claim(process);
  }

  /** Announces the exit of a process that ended before its pid was known. */
  private claim(process: ContainerProcess): void {
    const exit = this.launcher.claim(process.state.pid);
    if (!exit) return;
    if (process.startUnderWay) process.exitWaiting = exit;
    else this.announceExit(process, exit);
  }

  private announceExit(process: ContainerProcess, exit: ExitRecord): void {
    const { id, bundle, privatePidNamespace } = this.state;
    const isInit = process === this.init;
    if (isInit) {
      this.reportOom();
      try {
        saveExit(bundle, exit);
      } catch (error) {
        this.log.error('cannot write the exit status', error);
      }
      if (!privatePidNamespace) this.killRest();
    }
    process.end(exit);
    this.events.publish('/tasks/exit', TaskExit, {
      containerId: id,
      id: isInit ? id : process.state.execId,
      ...exit,
    });
  }

  /** Before the exit is announced: clients take what came before it as the reason. */
  private reportOom(): void {
    const kills = this.cgroup ? oomKills(this.cgroup) : 0;
    if (kills <= this.reportedOomKills) return;
    this.reportedOomKills = kills;
    this.events.publish('/tasks/oom', TaskOOM, { containerId: this.state.id });
  }

  /** In a shared pid namespace nobody else kills the processes that the first one leaves behind. */
  private killRest(): void {
    this.runtime
      .run('OCI runtime kill failed', {
        args: ['kill', '--all', this.state.id, SIGKILL.toString()],
      })
      .catch((error: unknown) => this.log.warn(messageOf(error)));
  }

  private async deleteContainer(): Promise<void> {
    try {
      await this.runtime.run('OCI runtime delete failed', { args: ['delete', this.state.id] });
    } catch (error) {
      // It was deleted by hand: that is what was wanted.
      if (!(error instanceof ReportedError && error.message.includes('does not exist')))
        throw error;
    }
    for (const exec of this.execs.values()) exec.stdio?.close();
    if (this.state.rootfsMounted) unmountRootfs(path.join(this.state.bundle, 'rootfs'));
    forgetState(this.state.bundle);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
