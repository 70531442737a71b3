/**
 * Waits for children that libuv knows nothing of: containers, execs, and orphans that came to the shim because it is
 * a subreaper. libuv's own children are left to libuv, which needs their status itself.
 */
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { peekExitedChild, reapChild } from '#lib/sys/wait';

export type ExitListener = (pid: number, exitStatus: number) => void;

export class Reaper {
  /** Children started through node:child_process that have not been reported yet. */
  private readonly ofLibuv = new Set<number>();
  private readonly waiting = new Map<number, () => void>();
  private readonly onExit: ExitListener;
  private lookAgain: NodeJS.Immediate | undefined;
  private readonly onSignal = () => this.reap();

  constructor(onExit: ExitListener) {
    this.onExit = onExit;
  }

  /** Reports everyone who has ended, and from now on who ends. */
  start(): void {
    process.on('SIGCHLD', this.onSignal);
    this.reap();
  }

  /** Reports no more. */
  stop(): void {
    process.off('SIGCHLD', this.onSignal);
    clearImmediate(this.lookAgain);
  }

  /**
   * Leaves a child that node:child_process started to libuv, until libuv has reported it. What it returns ends that
   * where this reaper is done with before the child is.
   */
  leaveToLibuv(child: ChildProcess): () => void {
    const { pid } = child;
    if (pid === undefined) return () => undefined; // it could not be started
    this.ofLibuv.add(pid);
    const ended = () => {
      this.ofLibuv.delete(pid);
      this.reap(); // its zombie may have hidden others
    };
    child.once('exit', ended);
    return () => child.off('exit', ended);
  }

  /** Resolves when a child that is not libuv's has ended; at once if `pid` is no child. */
  async ended(pid: number): Promise<void> {
    if (isChild(pid)) await new Promise<void>((resolve) => this.waiting.set(pid, resolve));
  }

  /** The kernel always shows the same zombie first, so one of libuv's ends the round. */
  private reap(): void {
    for (let pid = peekExitedChild(); pid !== undefined; pid = peekExitedChild()) {
      if (this.ofLibuv.has(pid)) {
        this.lookAgain ??= setImmediate(() => {
          this.lookAgain = undefined;
          this.reap();
        });
        return;
      }
      const exitStatus = reapChild(pid);
      this.waiting.get(pid)?.();
      this.waiting.delete(pid);
      this.onExit(pid, exitStatus);
    }
  }
}

/** Also one that has ended and was not waited for. */
function isChild(pid: number): boolean {
  try {
    const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
    return status.includes(`\nPPid:\t${process.pid}\n`);
  } catch {
    return false; // there is no such process
  }
}
