/** What one process costs. */
import fs from 'node:fs';
import { posixSpawn } from '#lib/sys/posix-spawn';
import { waitForCost } from '#lib/sys/wait';

export interface Cost {
  /** From its start to its end. */
  readonly wallMs: number;
  /** Of itself and of what it started and waited for. */
  readonly processorMs: number;
}

const nothing = fs.openSync('/dev/null', 'r+');

/** Runs a program with this process's stderr and environment. Throws unless it exits 0: a failure is never a time. */
export function costOf(file: string, args: readonly string[]): Cost {
  const started = performance.now();
  const pid = posixSpawn({
    path: file,
    argv: [file, ...args],
    environment: Object.entries(process.env).map(([name, value = '']) => `${name}=${value}`),
    descriptors: [
      [nothing, 0],
      [nothing, 1],
      [2, 2], // node has set close-on-exec
    ],
  });
  const { exitCode, processorMs } = waitForCost(pid);
  const wallMs = performance.now() - started;
  if (exitCode !== 0) throw new Error(`"${[file, ...args].join(' ')}" ended with ${exitCode}`);
  return { wallMs, processorMs };
}

/** Memory of a process that it shares with no other, in kB. */
export function privateMemory(pid: number): number {
  const rollup = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return [...rollup.matchAll(/^Private_\w+: +(\d+) kB$/gm)].reduce(
    (sum, [, kB]) => sum + Number(kB),
    0,
  );
}
