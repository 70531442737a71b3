/**
 * Announces how the processes of a container ended: after the event that told of their start, and the container's
 * first process last of all.
 *
 *   child ends ──▶ noted ──▶ its start is announced ──▶ (first process: all execs have ended) ──▶ /tasks/exit
 */
import { messageOf } from '#spec/errors';
import { TaskExit } from '#proto/generated/containerd.events';
import { timestampNow } from '#proto/timestamp';
import type { ContainerProcess } from './container-process.ts';
import type { EventPublisher } from './event-publisher.ts';
import type { ShimLog } from './log.ts';
import type { ProcessLauncher } from './process-launcher.ts';
import { saveExit, type ContainerState, type ExitRecord } from './state.ts';

export interface ExitAnnouncerParts {
  state: ContainerState;
  init: ContainerProcess;
  execs: ReadonlyMap<string, ContainerProcess>;
  launcher: ProcessLauncher;
  events: EventPublisher;
  log: ShimLog;
  /** Called before the end of the first process is announced. */
  beforeLastExit: () => void;
  /** Kills what the first process left in a shared pid namespace. */
  killRest: () => Promise<void>;
}

export class ExitAnnouncer {
  private readonly parts: ExitAnnouncerParts;
  /** Settles when what is being killed was killed. */
  private killing: Promise<void> = Promise.resolve();

  constructor(parts: ExitAnnouncerParts) {
    this.parts = parts;
  }

  /** To be told about every child that has ended; those of others are remembered while a process is being made. */
  childExited(pid: number, exitStatus: number): void {
    const { init, execs, launcher } = this.parts;
    const exit = { pid, exitStatus, exitedAt: timestampNow() };
    const process = [init, ...execs.values()].find(
      ({ state }) => state.pid === pid && state.exit === undefined,
    );
    if (process) this.note(process, exit);
    else launcher.remember(exit);
  }

  /** To be called when a launched process has its pid: it may have ended before. */
  claim(process: ContainerProcess): void {
    const exit = this.parts.launcher.claim(process.state.pid);
    if (exit) this.note(process, exit);
  }

  /** To be called when the start of a process was announced or has failed. */
  startEnded(process: ContainerProcess): void {
    this.announce(process);
    if (process !== this.parts.init) this.announce(this.parts.init);
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.killing;
  }

  private note(process: ContainerProcess, exit: ExitRecord): void {
    process.state.exit = exit;
    if (process === this.parts.init) this.noteLastExit(exit);
    this.announce(process);
  }

  private noteLastExit(exit: ExitRecord): void {
    const { state, log, init, killRest } = this.parts;
    try {
      saveExit(state.bundle, exit);
    } catch (error) {
      log.error('cannot write the exit status', error);
    }
    if (state.privatePidNamespace) return; // the kernel has killed the others before it let this one be reaped
    this.killing = killRest().catch((error: unknown) => {
      log.warn(messageOf(error));
      this.announce(init, { evenBeforeExecs: true });
    });
  }

  private announce(process: ContainerProcess, { evenBeforeExecs = false } = {}): void {
    const { state, init, execs, events, beforeLastExit } = this.parts;
    const { exit, execId } = process.state;
    if (!exit || !process.exitWaits || process.startUnderWay) return;
    if (process === init) {
      if (!evenBeforeExecs && [...execs.values()].some(isRunning)) return;
      beforeLastExit();
    }
    process.end(exit);
    events.publish('/tasks/exit', TaskExit, {
      containerId: state.id,
      id: process === init ? state.id : execId,
      ...exit,
    });
    if (process !== init) this.announce(init);
  }
}

function isRunning({ state, startUnderWay }: ContainerProcess): boolean {
  return startUnderWay || state.status === 'running';
}
