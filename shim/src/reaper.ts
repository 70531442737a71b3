/**
 * Waits for children that libuv knows nothing of: containers, execs, and orphans that came to the shim because it is
 * a subreaper. libuv's own children are left to libuv, which needs their status itself.
 */
import type { ChildProcess } from 'node:child_process';
import { peekExitedChild, reapChild } from '#lib/sys/wait';

export type ExitListener = (pid: number, exitStatus: number) => void;

export class Reaper {
  /** Children started through node:child_process that have not been reported yet. */
  private readonly ofLibuv = new Set<number>();
  private readonly onExit: ExitListener;
  private lookAgain: NodeJS.Immediate | undefined;

  constructor(onExit: ExitListener) {
    this.onExit = onExit;
    process.on('SIGCHLD', () => this.reap());
  }

  /** Leaves a child that node:child_process started to libuv, until libuv has reported it. */
  leaveToLibuv(child: ChildProcess): void {
    const { pid } = child;
    if (pid === undefined) return; // it could not be started
    this.ofLibuv.add(pid);
    child.once('exit', () => {
      this.ofLibuv.delete(pid);
      this.reap(); // its zombie may have hidden others
    });
  }

  /** Reports everyone who has ended. The kernel always shows the same zombie first, so one of libuv's ends the round. */
  private reap(): void {
    for (let pid = peekExitedChild(); pid !== undefined; pid = peekExitedChild()) {
      if (this.ofLibuv.has(pid)) {
        this.lookAgain ??= setImmediate(() => {
          this.lookAgain = undefined;
          this.reap();
        });
        return;
      }
      this.onExit(pid, reapChild(pid));
    }
  }
}
