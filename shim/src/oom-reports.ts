/** Tells when the kernel kills a process of a container for want of memory, while it runs and at its end. */
import { messageOf } from '#spec/errors';
import type { Cgroup } from '#lib/cgroup/layout';
import { oomKills, watchOom } from '#lib/cgroup/oom';
import type { ShimLog } from './log.ts';
import type { ContainerState } from './state.ts';

export class OomReports {
  private readonly cgroup: Cgroup;
  private readonly state: ContainerState;
  private readonly announce: () => void;
  private stopWatching: (() => void) | undefined;

  /** `announce` is called once for all kills since the last time. */
  constructor(cgroup: Cgroup, state: ContainerState, log: ShimLog, announce: () => void) {
    this.cgroup = cgroup;
    this.state = state;
    this.announce = announce;
    try {
      this.stopWatching = watchOom(cgroup, () => this.check());
    } catch (error) {
      log.warn('cannot watch for kills for want of memory', { reason: messageOf(error) });
    }
  }

  /** To be called before an exit is announced: clients take what came before it as the reason. */
  check(): void {
    const kills = oomKills(this.cgroup);
    if (kills <= this.state.reportedOomKills) return;
    this.state.reportedOomKills = kills;
    this.announce();
  }

  stop(): void {
    this.stopWatching?.();
    this.stopWatching = undefined;
  }
}
