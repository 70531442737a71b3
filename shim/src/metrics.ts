/** What a cgroup uses, as the message that clients of containerd expect for its version. */
import type { BlockIoEntry, BlockIoStats, CgroupStats, MemoryEntry } from '#lib/cgroup/stats';
import { packAny } from '#proto/any';
import type { Any } from '#proto/generated/google.protobuf';
import {
  Metrics as MetricsV1,
  type BlkIOEntry,
  type BlkIOStat,
  type MemoryEntry as MemoryEntryV1,
} from '#proto/generated/io.containerd.cgroups.v1';
import { Metrics as MetricsV2, type IOEntry } from '#proto/generated/io.containerd.cgroups.v2';

/** What `max` is in a uint64; the codec writes it as the largest. */
const unlimited = 2 ** 64;
/** What the memory controller of cgroup v1 prints for a limit that is not set: LONG_MAX, down to whole pages of 4 KiB. */
const unlimitedV1 = 2 ** 63 - 4096;
const nanosecondsPerMicrosecond = 1000;

export function packMetrics(stats: CgroupStats): Any {
  return stats.version === 'v1' ? packV1(stats) : packV2(stats);
}

function packV1({ cpu, memory, pids, blockIo, hugepages }: CgroupStats): Any {
  const details = (name: string) => memory.details.get(name) ?? 0;
  return packAny(MetricsV1, {
    hugetlb: hugepages.map(({ usage, max, failures, pageSize }) => ({
      usage,
      max,
      failcnt: failures,
      pagesize: pageSize,
    })),
    // v1 writes 0 for a limit that is not set
    pids: { current: pids.current, limit: pids.limit === Infinity ? 0 : pids.limit },
    cpu: {
      usage: { total: cpu.usage, kernel: cpu.kernel, user: cpu.user, perCpu: cpu.perCpu },
      throttling: {
        periods: cpu.periods,
        throttledPeriods: cpu.throttledPeriods,
        throttledTime: cpu.throttledTime,
      },
    },
    memory: {
      cache: details('cache'),
      rss: details('rss'),
      rssHuge: details('rss_huge'),
      mappedFile: details('mapped_file'),
      dirty: details('dirty'),
      writeback: details('writeback'),
      pgPgIn: details('pgpgin'),
      pgPgOut: details('pgpgout'),
      pgFault: details('pgfault'),
      pgMajFault: details('pgmajfault'),
      inactiveAnon: details('inactive_anon'),
      activeAnon: details('active_anon'),
      inactiveFile: details('inactive_file'),
      activeFile: details('active_file'),
      unevictable: details('unevictable'),
      hierarchicalMemoryLimit: details('hierarchical_memory_limit'),
      hierarchicalSwapLimit: details('hierarchical_memsw_limit'),
      totalCache: details('total_cache'),
      totalRss: details('total_rss'),
      totalRssHuge: details('total_rss_huge'),
      totalMappedFile: details('total_mapped_file'),
      totalDirty: details('total_dirty'),
      totalWriteback: details('total_writeback'),
      totalPgPgIn: details('total_pgpgin'),
      totalPgPgOut: details('total_pgpgout'),
      totalPgFault: details('total_pgfault'),
      totalPgMajFault: details('total_pgmajfault'),
      totalInactiveAnon: details('total_inactive_anon'),
      totalActiveAnon: details('total_active_anon'),
      totalInactiveFile: details('total_inactive_file'),
      totalActiveFile: details('total_active_file'),
      totalUnevictable: details('total_unevictable'),
      usage: memoryEntry(memory),
      swap: memory.swap && memoryEntry(memory.swap),
      kernel: memory.kernel && memoryEntry(memory.kernel),
      kernelTcp: memory.kernelTcp && memoryEntry(memory.kernelTcp),
    },
    blkio: blockIoV1(blockIo),
    memoryOomControl: {
      oomKillDisable: memory.oomControl.get('oom_kill_disable') ?? 0,
      underOom: memory.oomControl.get('under_oom') ?? 0,
      oomKill: memory.oomControl.get('oom_kill') ?? 0,
    },
  });
}

function packV2({ cpu, memory, pids, blockIo, hugepages }: CgroupStats): Any {
  const details = (name: string) => memory.details.get(name) ?? 0;
  const events = (name: string) => memory.events.get(name) ?? 0;
  return packAny(MetricsV2, {
    pids: { current: pids.current, limit: limited(pids.limit) },
    cpu: {
      usageUsec: Math.round(cpu.usage / nanosecondsPerMicrosecond),
      userUsec: Math.round(cpu.user / nanosecondsPerMicrosecond),
      systemUsec: Math.round(cpu.kernel / nanosecondsPerMicrosecond),
      nrPeriods: cpu.periods,
      nrThrottled: cpu.throttledPeriods,
      throttledUsec: Math.round(cpu.throttledTime / nanosecondsPerMicrosecond),
    },
    memory: {
      anon: details('anon'),
      file: details('file'),
      kernelStack: details('kernel_stack'),
      slab: details('slab'),
      sock: details('sock'),
      shmem: details('shmem'),
      fileMapped: details('file_mapped'),
      fileDirty: details('file_dirty'),
      fileWriteback: details('file_writeback'),
      anonThp: details('anon_thp'),
      inactiveAnon: details('inactive_anon'),
      activeAnon: details('active_anon'),
      inactiveFile: details('inactive_file'),
      activeFile: details('active_file'),
      unevictable: details('unevictable'),
      slabReclaimable: details('slab_reclaimable'),
      slabUnreclaimable: details('slab_unreclaimable'),
      pgfault: details('pgfault'),
      pgmajfault: details('pgmajfault'),
      workingsetNodereclaim: details('workingset_nodereclaim'),
      workingsetRefaultAnon: details('workingset_refault_anon'),
      workingsetRefaultFile: details('workingset_refault_file'),
      workingsetActivateAnon: details('workingset_activate_anon'),
      workingsetActivateFile: details('workingset_activate_file'),
      pgrefill: details('pgrefill'),
      pgscan: details('pgscan'),
      pgsteal: details('pgsteal'),
      pgactivate: details('pgactivate'),
      pgdeactivate: details('pgdeactivate'),
      pglazyfree: details('pglazyfree'),
      pglazyfreed: details('pglazyfreed'),
      thpFaultAlloc: details('thp_fault_alloc'),
      thpCollapseAlloc: details('thp_collapse_alloc'),
      usage: memory.usage,
      usageLimit: limited(memory.limit),
      maxUsage: memory.max,
      swapUsage: memory.swap?.usage,
      swapLimit: memory.swap && limited(memory.swap.limit),
      swapMaxUsage: memory.swap?.max,
    },
    memoryEvents: {
      low: events('low'),
      high: events('high'),
      max: events('max'),
      oom: events('oom'),
      oomKill: events('oom_kill'),
      oomGroupKill: events('oom_group_kill'),
    },
    io: { usage: ioV2(blockIo) },
    hugetlb: hugepages.map(({ usage, max, failures, pageSize }) => ({
      current: usage,
      max,
      failcnt: failures,
      pagesize: pageSize,
    })),
  });
}

function limited(limit: number): number {
  return limit === Infinity ? unlimited : limit;
}

function memoryEntry({ usage, limit, max, failures }: MemoryEntry): MemoryEntryV1 {
  return { usage, limit: limit === Infinity ? unlimitedV1 : limit, max, failcnt: failures };
}

function blockIoV1(stats: BlockIoStats): BlkIOStat {
  const entries = (list: readonly BlockIoEntry[]): BlkIOEntry[] =>
    list.map(({ major, minor, operation, value }) => ({
      op: operation,
      device: '',
      major,
      minor,
      value,
    }));
  return {
    ioServiceBytesRecursive: entries(stats.serviceBytes),
    ioServicedRecursive: entries(stats.serviced),
    ioQueuedRecursive: entries(stats.queued),
    ioServiceTimeRecursive: entries(stats.serviceTime),
    ioWaitTimeRecursive: entries(stats.waitTime),
    ioMergedRecursive: entries(stats.merged),
    ioTimeRecursive: entries(stats.time),
    sectorsRecursive: entries(stats.sectors),
  };
}

/** One row per device from one entry per device and operation. */
function ioV2({ serviceBytes, serviced }: BlockIoStats): IOEntry[] {
  const devices = new Map<string, IOEntry>();
  const add = (
    list: readonly BlockIoEntry[],
    read: 'rbytes' | 'rios',
    write: 'wbytes' | 'wios',
  ) => {
    for (const { major, minor, operation, value } of list) {
      const key = `${major}:${minor}`;
      const row = devices.get(key) ?? { major, minor, rbytes: 0, wbytes: 0, rios: 0, wios: 0 };
      devices.set(key, row);
      if (operation === 'Read') row[read] += value;
      if (operation === 'Write') row[write] += value;
    }
  };
  add(serviceBytes, 'rbytes', 'wbytes');
  add(serviced, 'rios', 'wios');
  return [...devices.values()];
}
