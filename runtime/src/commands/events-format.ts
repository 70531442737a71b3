/** Statistics in the shape of runc's `events` (its types/events.go): what the containerd shims of old read. */
import type { BlockIoEntry, CgroupStats, MemoryEntry } from '#lib/cgroup/stats';

/** An absent limit is the largest 64-bit number, which JSON has only as 2^64: the nearest is left out. */
function memoryEntry({ usage, limit, max, failures }: MemoryEntry) {
  return { ...(Number.isFinite(limit) && { limit }), usage, max, failcnt: failures };
}

function blockEntries(entries: readonly BlockIoEntry[]) {
  return entries.map(({ major, minor, operation, value }) => ({
    major,
    minor,
    op: operation,
    value,
  }));
}

export function runcStats({ cpu, memory, pids, blockIo, hugepages }: CgroupStats): unknown {
  return {
    cpu: {
      usage: {
        total: cpu.usage,
        ...(cpu.perCpu.length > 0 && { percpu: cpu.perCpu }),
        kernel: cpu.kernel,
        user: cpu.user,
      },
      throttling: {
        periods: cpu.periods,
        throttledPeriods: cpu.throttledPeriods,
        throttledTime: cpu.throttledTime,
      },
    },
    cpuset: {},
    memory: {
      usage: memoryEntry(memory),
      swap: memory.swap ? memoryEntry(memory.swap) : {},
      kernel: memory.kernel ? memoryEntry(memory.kernel) : {},
      kernelTCP: memory.kernelTcp ? memoryEntry(memory.kernelTcp) : {},
      raw: Object.fromEntries(memory.details),
    },
    pids: { current: pids.current, ...(Number.isFinite(pids.limit) && { limit: pids.limit }) },
    blkio: {
      ioServiceBytesRecursive: blockEntries(blockIo.serviceBytes),
      ioServicedRecursive: blockEntries(blockIo.serviced),
      ioQueueRecursive: blockEntries(blockIo.queued),
      ioServiceTimeRecursive: blockEntries(blockIo.serviceTime),
      ioWaitTimeRecursive: blockEntries(blockIo.waitTime),
      ioMergedRecursive: blockEntries(blockIo.merged),
      ioTimeRecursive: blockEntries(blockIo.time),
      sectorsRecursive: blockEntries(blockIo.sectors),
    },
    hugetlb: Object.fromEntries(
      hugepages.map(({ pageSize, usage, max, failures }) => [
        pageSize,
        { usage, max, failcnt: failures },
      ]),
    ),
    intel_rdt: {},
    network_interfaces: null,
  };
}
