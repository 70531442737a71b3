/** One container: its first process, its execs, and what may happen to them when. */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StackError, messageOf } from '#spec/errors';
import type { Cgroup } from '#lib/cgroup/layout';
import {
  TaskExecAdded,
  TaskExecStarted,
  TaskOOM,
  TaskStart,
} from '#proto/generated/containerd.events';
import { ReportedError } from '#proto/status';
import { timestampNow } from '#proto/timestamp';
import { restoreFlags } from './checkpoint.ts';
import { cgroupAt, cgroupOf } from './container-cgroup.ts';
import { ContainerControl } from './container-control.ts';
import { ContainerProcess } from './container-process.ts';
import type { EventPublisher } from './event-publisher.ts';
import { launchExec } from './exec.ts';
import { ExitAnnouncer } from './exit-announcer.ts';
import type { ShimLog } from './log.ts';
import { OomReports } from './oom-reports.ts';
import { ProcessLauncher } from './process-launcher.ts';
import type { Reaper } from './reaper.ts';
import { unmountRootfs } from './rootfs.ts';
import type { RuntimeCommand } from './runtime-command.ts';
import { forgetState, saveState, type ContainerState, type ExitRecord } from './state.ts';
import type { StdioPaths } from './state.ts';
import type { ProcessStdio } from './stdio/process-stdio.ts';

/** How long Delete waits for output that is still on its way to the client's FIFO. */
const drainTimeoutMs = 2000;
const SIGKILL = 9;

export interface ContainerParts {
  runtime: RuntimeCommand;
  reaper: Reaper;
  events: EventPublisher;
  log: ShimLog;
  /** What a predecessor had open for the processes, by exec id. */
  stdio?: ReadonlyMap<string, ProcessStdio>;
}

export class Container {
  readonly state: ContainerState;
  readonly init: ContainerProcess;
  /** What can be done to it while it is there. */
  readonly control: ContainerControl;
  private readonly execs: Map<string, ContainerProcess>;
  private readonly runtime: RuntimeCommand;
  private readonly launcher: ProcessLauncher;
  private readonly exits: ExitAnnouncer;
  private readonly events: EventPublisher;
  private readonly log: ShimLog;
  private cgroup: Cgroup | undefined;
  private oom: OomReports | undefined;

  constructor(state: ContainerState, { runtime, reaper, events, log, stdio }: ContainerParts) {
    this.state = state;
    this.init = new ContainerProcess(state.init, stdio?.get(''));
    this.execs = new Map(
      state.execs.map((exec) => [exec.execId, new ContainerProcess(exec, stdio?.get(exec.execId))]),
    );
    this.control = new ContainerControl(state, this.init, runtime);
    this.runtime = runtime;
    this.launcher = new ProcessLauncher(state, runtime, reaper);
    this.events = events;
    this.log = log;
    this.exits = new ExitAnnouncer({
      state,
      init: this.init,
      execs: this.execs,
      launcher: this.launcher,
      events,
      log,
      beforeLastExit: () => this.stopWatching(),
      killRest: () => this.killRest(),
    });
    if (state.cgroup !== undefined) this.watch(cgroupAt(state.cgroup));
  }

  /** The container's first process and its execs. */
  get processes(): ContainerProcess[] {
    return [this.init, ...this.execs.values()];
  }

  /** The task for an empty id. Throws not_found. */
  process(execId: string): ContainerProcess {
    if (execId === '') return this.init;
    const found = this.execs.get(execId);
    if (!found) throw new StackError('not_found', `process ${execId}: not found`);
    return found;
  }

  /**
   * Runs `runtime create`; `announce` publishes the create event as soon as the pid is known. A container that
   * continues a saved one is made by {@link start}, its pid is 0 until then.
   */
  async create(announce: (pid: number) => void): Promise<void> {
    if (this.state.checkpoint) {
      saveState(this.state);
      announce(0);
      return;
    }
    const { id, bundle, runtime } = this.state;
    const flags = ['--bundle', bundle];
    if (runtime.noPivotRoot) flags.push('--no-pivot');
    if (runtime.noNewKeyring) flags.push('--no-new-keyring');
    await this.launchInit('OCI runtime create failed', (more) => ['create', ...flags, ...more, id]);
    announce(this.state.init.pid);
    this.exits.claim(this.init);
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
      this.exits.startEnded(process);
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
    await Promise.race([
      process.stdio?.drained(),
      delay(drainTimeoutMs, undefined, { ref: false }),
    ]);
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
    this.exits.childExited(pid, exitStatus);
  }

  /** Resolves when nothing is under way but what calls wait for. */
  settled(): Promise<void> {
    return this.exits.settled();
  }

  /** Undoes a create that failed, also where the runtime had done its part. */
  async abandon(): Promise<void> {
    this.stopWatching();
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

  private async launchInit(
    what: string,
    args: (more: readonly string[]) => string[],
  ): Promise<void> {
    const pidFile = path.join(this.state.bundle, 'init.pid');
    await this.launcher.launch(this.init, pidFile, what, (more) =>
      args(['--pid-file', pidFile, ...more]),
    );
    const cgroup = cgroupOf(this.state.init.pid);
    if (cgroup) {
      this.state.cgroup = cgroup.path;
      this.watch(cgroup);
    }
    saveState(this.state);
  }

  private async startInit(): Promise<void> {
    const { id, init } = this.state;
    if (this.state.checkpoint) {
      const flags = restoreFlags(this.state);
      await this.launchInit('OCI runtime restore failed', (more) => [
        ...['restore', ...flags, ...more],
        id,
      ]);
    } else {
      await this.runtime.run('OCI runtime start failed', {
        args: ['start', id],
        doneAlready: ['already running', 'has stopped'],
      });
    }
    init.status = 'running';
    this.events.publish('/tasks/start', TaskStart, { containerId: id, pid: init.pid });
    if (this.state.checkpoint) this.exits.claim(this.init);
  }

  private async startExec(process: ContainerProcess): Promise<void> {
    this.init.require('exec in', 'created', 'running');
    await launchExec(this.launcher, process, this.state);
    const { execId, pid } = process.state;
    process.state.status = 'running';
    this.events.publish('/tasks/exec-started', TaskExecStarted, {
      containerId: this.state.id,
      execId,
      pid,
    });
    this.exits.claim(process);
  }

  private watch(cgroup: Cgroup): void {
    this.cgroup = cgroup;
    if (this.state.init.status === 'stopped') return;
    this.oom = new OomReports(cgroup, this.state, this.log, () =>
      this.events.publish('/tasks/oom', TaskOOM, { containerId: this.state.id }),
    );
  }

  private stopWatching(): void {
    this.oom?.check();
    this.oom?.stop();
  }

  /** In a shared pid namespace nobody else kills the processes that the first one leaves behind. */
  private async killRest(): Promise<void> {
    const args = ['kill', '--all', this.state.id, SIGKILL.toString()];
    await this.runtime.run('OCI runtime kill failed', { args });
  }

  private async deleteContainer(): Promise<void> {
    try {
      await this.runtime.run('OCI runtime delete failed', { args: ['delete', this.state.id] });
    } catch (error) {
      // It was deleted by hand: that is what was wanted.
      if (!(error instanceof ReportedError && error.message.includes('does not exist')))
        throw error;
    }
    this.stopWatching();
    for (const exec of this.execs.values()) exec.stdio?.close();
    if (this.state.rootfsMounted) unmountRootfs(path.join(this.state.bundle, 'rootfs'));
    forgetState(this.state.bundle);
  }
}
