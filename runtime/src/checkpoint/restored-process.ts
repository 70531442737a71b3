/** A restored first process: criu makes it a child of whoever asked, who therefore sees its end. */
import { waitForChild } from '#lib/sys/wait';
import type { FollowedProcess } from '../host/foreground.ts';
import type { StartedProcess } from '../host/conversation.ts';

export class RestoredProcess implements FollowedProcess {
  readonly process: StartedProcess;

  constructor(started: StartedProcess) {
    this.process = started;
  }

  /** Its wait status, once it has ended. */
  waitForExit(): Promise<number> {
    const { pid } = this.process;
    return new Promise((resolve) => {
      const look = () => {
        const status = waitForChild(pid);
        if (status === undefined) return;
        process.off('SIGCHLD', look);
        clearInterval(heartbeat);
        resolve(status);
      };
      process.on('SIGCHLD', look);
      // It may have ended before anybody listened; and a signal alone keeps no process alive.
      const heartbeat = setInterval(look, 1000);
      look();
    });
  }
}
