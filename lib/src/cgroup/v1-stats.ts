/** Statistics from the files of cgroup v1. */
import fs from 'node:fs';
import path from 'node:path';
import { readCgroupFile, readIfPresent, readKeyed, readNumber } from './cgroup-file.ts';
import { controllerDirectory, type Cgroup } from './layout.ts';
import type {
  BlockIoEntry,
  BlockIoStats,
  CgroupStats,
  CpuStats,
  HugepageStats,
  MemoryEntry,
  MemoryStats,
} from './stats.ts';

/** cpuacct.stat counts in USER_HZ, which is 100 on every architecture of ours. */
const nanosecondsPerTick = 1e7;
/** An unset limit of the memory controller: the largest multiple of the page size that fits. */
const unlimitedAbove = 2 ** 62;

export function readV1Stats(cgroup: Cgroup): CgroupStats {
  const file = (controller: string, name: string) =>
    path.join(controllerDirectory(cgroup, controller) ?? '/nonexistent', name);
  return {
    version: 'v1',
    cpu: readCpu(file),
    memory: readMemory(file),
    pids: {
      current: readNumber(file('pids', 'pids.current')) ?? 0,
      limit: readNumber(file('pids', 'pids.max')) ?? Infinity,
    },
    blockIo: readBlockIo(file),
    hugepages: readHugepages(controllerDirectory(cgroup, 'hugetlb')),
  };
}

type FileOf = (controller: string, name: string) => string;

function readCpu(file: FileOf): CpuStats {
  const ticks = readKeyed(file('cpuacct', 'cpuacct.stat'));
  const throttling = readKeyed(file('cpu', 'cpu.stat'));
  const perCpu = readIfPresent(file('cpuacct', 'cpuacct.usage_percpu'));
  return {
    // Present wherever the cgroup is: tells one that is gone from one that is idle.
    usage: Number(readCgroupFile(file('cpuacct', 'cpuacct.usage'))),
    user: (ticks.get('user') ?? 0) * nanosecondsPerTick,
    kernel: (ticks.get('system') ?? 0) * nanosecondsPerTick,
    perCpu: perCpu?.split(' ').filter(Boolean).map(Number) ?? [],
    periods: throttling.get('nr_periods') ?? 0,
    throttledPeriods: throttling.get('nr_throttled') ?? 0,
    throttledTime: throttling.get('throttled_time') ?? 0,
  };
}

function readMemory(file: FileOf): MemoryStats {
  const entry = (prefix: string) => readMemoryEntry(file, prefix);
  const swap = entry('memory.memsw');
  const kernel = entry('memory.kmem');
  const kernelTcp = entry('memory.kmem.tcp');
  return {
    ...(entry('memory') ?? { usage: 0, limit: Infinity, max: 0, failures: 0 }),
    ...(swap && { swap }),
    ...(kernel && { kernel }),
    ...(kernelTcp && { kernelTcp }),
    details: readKeyed(file('memory', 'memory.stat')),
    events: new Map(),
    oomControl: readKeyed(file('memory', 'memory.oom_control')),
  };
}

function readMemoryEntry(file: FileOf, prefix: string): MemoryEntry | undefined {
  const read = (name: string) => readNumber(file('memory', `${prefix}.${name}`));
  const usage = read('usage_in_bytes');
  if (usage === undefined) return undefined;
  const limit = read('limit_in_bytes') ?? Infinity;
  return {
    usage,
    limit: limit > unlimitedAbove ? Infinity : limit,
    max: read('max_usage_in_bytes') ?? 0,
    failures: read('failcnt') ?? 0,
  };
}

/** BFQ keeps the counters when it is the scheduler; the throttling layer sees every request. */
function readBlockIo(file: FileOf): BlockIoStats {
  const entries = (...names: string[]): BlockIoEntry[] => {
    for (const name of names) {
      const found = parseBlockIo(readIfPresent(file('blkio', `blkio.${name}`)) ?? '');
      if (found.length > 0) return found;
    }
    return [];
  };
  return {
    serviceBytes: entries(
      'io_service_bytes_recursive',
      'bfq.io_service_bytes_recursive',
      'throttle.io_service_bytes_recursive',
      'throttle.io_service_bytes',
    ),
    serviced: entries(
      'io_serviced_recursive',
      'bfq.io_serviced_recursive',
      'throttle.io_serviced_recursive',
      'throttle.io_serviced',
    ),
    queued: entries('io_queued_recursive', 'bfq.io_queued_recursive'),
    serviceTime: entries('io_service_time_recursive', 'bfq.io_service_time_recursive'),
    waitTime: entries('io_wait_time_recursive', 'bfq.io_wait_time_recursive'),
    merged: entries('io_merged_recursive', 'bfq.io_merged_recursive'),
    time: entries('time_recursive', 'bfq.time_recursive'),
    sectors: entries('sectors_recursive', 'bfq.sectors_recursive'),
  };
}

/** Lines `8:0 Read 4096`, or `8:0 4096` where there is one kind of operation; the final `Total` has no device. */
function parseBlockIo(content: string): BlockIoEntry[] {
  return content.split('\n').flatMap((line) => {
    const match = /^(\d+):(\d+) (?:(\w+) )?(\d+)$/.exec(line);
    if (!match) return [];
    const [, major, minor, operation = '', value] = match;
    return [{ major: Number(major), minor: Number(minor), operation, value: Number(value) }];
  });
}

function readHugepages(directory: string | undefined): HugepageStats[] {
  if (directory === undefined || !fs.existsSync(directory)) return [];
  return fs.readdirSync(directory).flatMap((name) => {
    const pageSize = /^hugetlb\.(\w+)\.usage_in_bytes$/.exec(name)?.[1];
    if (pageSize === undefined) return [];
    const read = (suffix: string) =>
      readNumber(path.join(directory, `hugetlb.${pageSize}.${suffix}`)) ?? 0;
    return [
      {
        pageSize,
        usage: read('usage_in_bytes'),
        max: read('max_usage_in_bytes'),
        failures: read('failcnt'),
      },
    ];
  });
}
