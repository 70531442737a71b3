/** How willing the kernel is to kill a shim when memory runs out. */
import fs from 'node:fs';

/** One more than containerd's own, which is our parent: under memory pressure the shim goes before the daemon. */
export function adjustOomScore(pid: number): void {
  const current = Number(fs.readFileSync(`/proc/${process.ppid}/oom_score_adj`, 'utf8'));
  fs.writeFileSync(`/proc/${pid}/oom_score_adj`, Math.min(current + 1, 1000).toString());
}
