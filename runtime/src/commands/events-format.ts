/**
 * Statistics in the shape of runc's `events` (its types/events.go): what the containerd shims of old read. Zeros and
 * empty lists are left out where runc leaves them out.
 */
import { cpusetStats, perCpuUsage } from '#lib/cgroup/cpuset-stats';
import type { Cgroup } from '#lib/cgroup/layout';
import { pressure } from '#lib/cgroup/pressure';
import { stats, type BlockIoEntry, type CgroupStats, type MemoryEntry } from '#lib/cgroup/stats';

/** One line of JSON: `{"type":"stats","id":…,"data":…}`. Throws not_found when the cgroup is gone. */
export function statsEvent(id: string, cgroup: Cgroup): string {
  const data = runcStats(stats(cgroup), cgroup);
  // Limits of 64 bits are more than a number of JavaScript holds: they are written as text first.
  return JSON.stringify({ type: 'stats', id, data }).replaceAll(/"exactly (\d+)"/g, '$1');
}

/** One line of JSON: the kernel has killed a process of the container for want of memory. */
export function oomEvent(id: string): string {
  return JSON.stringify({ type: 'oom', id });
}

/** An absent limit, as the kernel says it: the largest number of pages (v1), the largest number (v2). */
const noLimit = { v1: '9223372036854771712', v2: '18446744073709551615' } as const;

type Formatted = Readonly<Record<string, unknown>>;

function runcStats(found: CgroupStats, cgroup: Cgroup): Formatted {
  const { version, cpu, memory, pids, hugepages } = found;
  const entry = (value: MemoryEntry | undefined) => memoryEntry(value, version);
  return {
    cpu: formatCpu(cpu, cgroup),
    cpuset: formatCpuset(cgroup),
    memory: {
      ...nonZero({ cache: memory.details.get(version === 'v2' ? 'file' : 'cache') }),
      usage: entry(memory),
      swap: entry(memory.swap),
      kernel: entry(memory.kernel),
      kernelTCP: entry(memory.kernelTcp),
      raw: Object.fromEntries(memory.details),
      ...withPressure(cgroup, 'memory'),
    },
    pids: nonZero({ current: pids.current, limit: Number.isFinite(pids.limit) ? pids.limit : 0 }),
    blkio: formatBlockIo(found, cgroup),
    hugetlb: Object.fromEntries(
      hugepages.map(({ pageSize, usage, max, failures }) => [
        pageSize,
        { ...nonZero({ usage, max }), failcnt: failures },
      ]),
    ),
    intel_rdt: {},
    network_interfaces: null,
  };
}

function formatCpu(cpu: CgroupStats['cpu'], cgroup: Cgroup): Formatted {
  const { periods, throttledPeriods, throttledTime } = cpu;
  return {
    usage: {
      ...nonZero({ total: cpu.usage }),
      ...nonEmpty({
        percpu: cpu.perCpu,
        percpu_kernel: perCpuUsage(cgroup, 'sys'),
        percpu_user: perCpuUsage(cgroup, 'user'),
      }),
      kernel: cpu.kernel,
      user: cpu.user,
    },
    throttling: nonZero({ periods, throttledPeriods, throttledTime }),
    ...withPressure(cgroup, 'cpu'),
  };
}

function formatCpuset(cgroup: Cgroup): Formatted {
  const { cpus, mems, flags } = cpusetStats(cgroup);
  return { ...nonEmpty({ cpus, mems }), ...flags };
}

function memoryEntry(entry: MemoryEntry | undefined, version: CgroupStats['version']): Formatted {
  if (!entry) return { limit: 0, failcnt: 0 };
  const { usage, limit, max, failures } = entry;
  return {
    limit: Number.isFinite(limit) ? limit : `exactly ${noLimit[version]}`,
    ...nonZero({ usage, max }),
    failcnt: failures,
  };
}

function formatBlockIo({ blockIo }: CgroupStats, cgroup: Cgroup): Formatted {
  return {
    ...nonEmpty({
      ioServiceBytesRecursive: blockEntries(blockIo.serviceBytes),
      ioServicedRecursive: blockEntries(blockIo.serviced),
      ioQueueRecursive: blockEntries(blockIo.queued),
      ioServiceTimeRecursive: blockEntries(blockIo.serviceTime),
      ioWaitTimeRecursive: blockEntries(blockIo.waitTime),
      ioMergedRecursive: blockEntries(blockIo.merged),
      ioTimeRecursive: blockEntries(blockIo.time),
      sectorsRecursive: blockEntries(blockIo.sectors),
    }),
    ...withPressure(cgroup, 'io'),
  };
}

function blockEntries(entries: readonly BlockIoEntry[]): Formatted[] {
  return entries.map(({ major, minor, operation, value }) => ({
    ...nonZero({ major, minor }),
    ...(operation && { op: operation }),
    ...nonZero({ value }),
  }));
}

function withPressure(cgroup: Cgroup, resource: 'cpu' | 'memory' | 'io'): Formatted {
  const psi = pressure(cgroup, resource);
  return psi ? { psi } : {};
}

function nonZero(values: Readonly<Record<string, number | undefined>>): Formatted {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
}

function nonEmpty(lists: Readonly<Record<string, readonly unknown[]>>): Formatted {
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}
