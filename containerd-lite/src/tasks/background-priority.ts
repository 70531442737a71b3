/** Processes that are got ready while the machine has nothing better to do. */
import fs from 'node:fs';
import os from 'node:os';
import { errorCode } from '#spec/errors';

const lowest = 19;

/** Lets a process that was just started run on what others leave. */
export function lowerPriority(pid: number): void {
  os.setPriority(pid, lowest);
  setSessionPriority(pid, lowest);
}

/** Gives a process our own priority again. Throws what the kernel says where it refuses. */
export function restorePriority(pid: number): void {
  const ours = os.getPriority();
  // To the kernel a priority belongs to a thread; each has inherited the low one.
  for (const thread of fs.readdirSync(`/proc/${pid}/task`)) os.setPriority(Number(thread), ours);
  setSessionPriority(pid, 0);
}

/** With autogroups (sched(7)) sessions compete by a priority of their own. */
function setSessionPriority(pid: number, priority: number): void {
  try {
    fs.writeFileSync(`/proc/${pid}/autogroup`, priority.toString());
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error; // a kernel without them
  }
}
