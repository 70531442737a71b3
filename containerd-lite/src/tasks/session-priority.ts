/** Sessions of processes that are got ready while the machine has better to do. */
import fs from 'node:fs';

/** As nice(1) counts: a tenth of the usual share. The lowest would not start at all on a machine that is busy for long. */
const low = 10;
const normal = 0;

/**
 * Lets the session that a process leads run on what others leave: the nice value of its autogroup (sched(7)). Each
 * thread's own would be inherited by the container, and there is no moment at which all could be given back. Without
 * autogroups, and where cgroups share out the processor, nothing changes. Returns whether there was one to lower.
 */
export function lowerSessionPriority(leader: number): boolean {
  try {
    setSessionPriority(leader, low);
    return true;
  } catch {
    return false; // a kernel without them, or we may not: the process then competes with others
  }
}

/** Takes back {@link lowerSessionPriority}. Throws what the kernel says. */
export function restoreSessionPriority(leader: number): void {
  setSessionPriority(leader, normal);
}

function setSessionPriority(leader: number, priority: number): void {
  fs.writeFileSync(`/proc/${leader}/autogroup`, priority.toString());
}
