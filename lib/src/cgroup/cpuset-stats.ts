/** Where a cgroup of v1 may run and take memory from, and how its processors are used one by one. */
import path from 'node:path';
import { readIfPresent, readNumber } from './cgroup-file.ts';
import { controllerDirectory, type Cgroup } from './layout.ts';

/** The files of the cpuset controller by the kernel's names without `cpuset.`; 0 for what the kernel lacks. */
export const cpusetFlags = [
  'cpu_exclusive',
  'mem_hardwall',
  'mem_exclusive',
  'memory_migrate',
  'memory_spread_page',
  'memory_spread_slab',
  'memory_pressure',
  'sched_load_balance',
  'sched_relax_domain_level',
] as const;

export interface CpusetStats {
  readonly cpus: readonly number[];
  readonly mems: readonly number[];
  readonly flags: Readonly<Record<(typeof cpusetFlags)[number], number>>;
}

/** All empty on cgroup v2, which has no such files. */
export function cpusetStats(cgroup: Cgroup): CpusetStats {
  const isV2 = cgroup.layout.version === 'v2';
  const directory = isV2 ? undefined : controllerDirectory(cgroup, 'cpuset');
  const file = (name: string) => path.join(directory ?? '/nonexistent', `cpuset.${name}`);
  return {
    cpus: parseList(readIfPresent(file('cpus')) ?? ''),
    mems: parseList(readIfPresent(file('mems')) ?? ''),
    // The loop above all names makes every key.
    flags: Object.fromEntries(
      cpusetFlags.map((name) => [name, readNumber(file(name)) ?? 0]),
    ) as CpusetStats['flags'],
  };
}

/** `0-2,7` */
function parseList(text: string): number[] {
  return text
    .split(',')
    .filter(Boolean)
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
    });
}

/** Nanoseconds that each processor spent for the cgroup in the kernel (`sys`) or outside it; empty on cgroup v2. */
export function perCpuUsage(cgroup: Cgroup, mode: 'sys' | 'user'): number[] {
  if (cgroup.layout.version === 'v2') return [];
  const directory = controllerDirectory(cgroup, 'cpuacct') ?? '/nonexistent';
  const text = readIfPresent(path.join(directory, `cpuacct.usage_percpu_${mode}`)) ?? '';
  return text.split(' ').filter(Boolean).map(Number);
}
