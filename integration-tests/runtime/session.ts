/** The processes of a session, by which those of a runtime that was killed are found. */
import fs from 'node:fs';

/** Processes of a session: the runtime, and the loader until the container's process makes a session of its own. */
export function processesOfSession(session: number): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return fields[3] === String(session) && !/^[ZXx]$/.test(fields[0] ?? '');
      } catch {
        return false; // ended meanwhile
      }
    });
}
