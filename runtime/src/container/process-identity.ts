/** Whether a pid is still the process it was: pids are reused, start times are not. */
import fs from 'node:fs';
import { errorCode } from '#spec/errors';

export interface ProcessStat {
  /** `R`, `S`, `Z` (ended, not waited for), `X`, … */
  readonly state: string;
  /** Clock ticks after boot, as /proc/PID/stat has it. */
  readonly startTime: string;
}

/** Undefined when there is no such process. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
  // The second field is the command in parentheses, which may contain anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
}

/** Alive, and the same process that had `startTime`. A zombie has ended. */
export function isAlive(pid: number, startTime: string): boolean {
  if (pid <= 0) return false;
  const stat = readProcessStat(pid);
  return stat !== undefined && stat.startTime === startTime && !/^[ZXx]$/.test(stat.state);
}
