/**
 * What a cgroup uses, in one shape for v1 and v2, from which the shim makes either of containerd's Metrics messages
 * and engined docker's stats. Times in nanoseconds, sizes in bytes; a limit that is not set is Infinity.
 */
import { unifiedDirectory, type Cgroup } from './layout.ts';
import { readV1Stats } from './v1-stats.ts';
import { readV2Stats } from './v2-stats.ts';

export interface CpuStats {
  usage: number;
  user: number;
  kernel: number;
  /** v1 only, one for each possible processor. */
  perCpu: number[];
  periods: number;
  throttledPeriods: number;
  throttledTime: number;
}

export interface MemoryEntry {
  usage: number;
  limit: number;
  /** Highest usage seen. */
  max: number;
  /** How often the limit was hit. */
  failures: number;
}

export interface MemoryStats extends MemoryEntry {
  /** v1: memory plus swap. v2: swap alone. */
  swap?: MemoryEntry;
  /** v1 only. */
  kernel?: MemoryEntry;
  kernelTcp?: MemoryEntry;
  /** memory.stat, by the kernel's names: `total_rss` on v1, `anon` on v2, … */
  details: ReadonlyMap<string, number>;
  /** v2: memory.events, `oom_kill` among them. */
  events: ReadonlyMap<string, number>;
  /** v1: memory.oom_control. */
  oomControl: ReadonlyMap<string, number>;
}

export interface BlockIoEntry {
  major: number;
  minor: number;
  /** v1: `Read`, `Write`, `Sync`, `Async`, `Discard`, `Total`. */
  operation: string;
  value: number;
}

/** Named for the v1 files; v2 fills the first two. */
export interface BlockIoStats {
  serviceBytes: BlockIoEntry[];
  serviced: BlockIoEntry[];
  queued: BlockIoEntry[];
  serviceTime: BlockIoEntry[];
  waitTime: BlockIoEntry[];
  merged: BlockIoEntry[];
  time: BlockIoEntry[];
  sectors: BlockIoEntry[];
}

export interface HugepageStats extends Omit<MemoryEntry, 'limit'> {
  pageSize: string;
}

export interface CgroupStats {
  version: 'v1' | 'v2';
  cpu: CpuStats;
  memory: MemoryStats;
  pids: { current: number; limit: number };
  blockIo: BlockIoStats;
  hugepages: HugepageStats[];
}

/** Reads the files of `cgroup`. What a kernel lacks is 0. Throws not_found when the cgroup is gone. */
export function stats(cgroup: Cgroup): CgroupStats {
  const unified = unifiedDirectory(cgroup);
  return cgroup.layout.version === 'v2' && unified !== undefined
    ? readV2Stats(unified)
    : readV1Stats(cgroup);
}
