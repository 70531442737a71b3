/** What processes take of memory, as the kernel accounts it. */
import fs from 'node:fs';

/** Memory of a process, in kB, of what it shares with others its part only. */
export function proportionalMemory(pid: number): number {
  const rollup = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss: +(\d+) kB$/m.exec(rollup)?.[1]);
}

/** The shims of running containers: the parents of their first processes. */
export async function shimsOf(
  ids: readonly string[],
  pidOf: (id: string) => Promise<number>,
): Promise<number[]> {
  const shims = new Set<number>();
  for (const id of ids) {
    const status = fs.readFileSync(`/proc/${await pidOf(id)}/status`, 'utf8');
    shims.add(Number(/^PPid:\t(\d+)$/m.exec(status)?.[1]));
  }
  return [...shims];
}
