/** Statistics from the files of cgroup v2. */
import fs from 'node:fs';
import path from 'node:path';
import { readCgroupFile, readIfPresent, readKeyed, readNumber } from './cgroup-file.ts';
import type { BlockIoEntry, BlockIoStats, CgroupStats, HugepageStats } from './stats.ts';

export function readV2Stats(directory: string): CgroupStats {
  const file = (name: string) => path.join(directory, name);
  readCgroupFile(file('cgroup.procs')); // tells a cgroup that is gone from one without controllers
  const cpu = readKeyed(file('cpu.stat'));
  const nanoseconds = (key: string) => (cpu.get(key) ?? 0) * 1000;
  const events = readKeyed(file('memory.events'));
  const swapEvents = readKeyed(file('memory.swap.events'));
  return {
    version: 'v2',
    cpu: {
      usage: nanoseconds('usage_usec'),
      user: nanoseconds('user_usec'),
      kernel: nanoseconds('system_usec'),
      perCpu: [],
      periods: cpu.get('nr_periods') ?? 0,
      throttledPeriods: cpu.get('nr_throttled') ?? 0,
      throttledTime: nanoseconds('throttled_usec'),
    },
    memory: {
      usage: readNumber(file('memory.current')) ?? 0,
      limit: readNumber(file('memory.max')) ?? Infinity,
      max: readNumber(file('memory.peak')) ?? 0,
      failures: events.get('max') ?? 0,
      swap: {
        usage: readNumber(file('memory.swap.current')) ?? 0,
        limit: readNumber(file('memory.swap.max')) ?? Infinity,
        max: readNumber(file('memory.swap.peak')) ?? 0,
        failures: swapEvents.get('max') ?? 0,
      },
      details: readKeyed(file('memory.stat')),
      events,
      oomControl: new Map(),
    },
    pids: {
      current: readNumber(file('pids.current')) ?? 0,
      limit: readNumber(file('pids.max')) ?? Infinity,
    },
    blockIo: readBlockIo(readIfPresent(file('io.stat')) ?? ''),
    hugepages: readHugepages(directory),
  };
}

/** Lines `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`. */
function readBlockIo(content: string): BlockIoStats {
  const serviceBytes: BlockIoEntry[] = [];
  const serviced: BlockIoEntry[] = [];
  for (const line of content.split('\n')) {
    const [device = '', ...pairs] = line.split(' ');
    const [major, minor] = device.split(':').map(Number);
    if (major === undefined || minor === undefined) continue;
    for (const pair of pairs) {
      const [key = '', value] = pair.split('=');
      const operation = { r: 'Read', w: 'Write', d: 'Discard' }[key.charAt(0)];
      if (operation === undefined) continue;
      const entry = { major, minor, operation, value: Number(value) };
      if (key.endsWith('bytes')) serviceBytes.push(entry);
      else if (key.endsWith('ios')) serviced.push(entry);
    }
  }
  return {
    serviceBytes,
    serviced,
    queued: [],
    serviceTime: [],
    waitTime: [],
    merged: [],
    time: [],
    sectors: [],
  };
}

function readHugepages(directory: string): HugepageStats[] {
  return fs.readdirSync(directory).flatMap((name) => {
    const pageSize = /^hugetlb\.(\w+)\.current$/.exec(name)?.[1];
    if (pageSize === undefined) return [];
    const events = readKeyed(path.join(directory, `hugetlb.${pageSize}.events`));
    return [
      {
        pageSize,
        usage: readNumber(path.join(directory, name)) ?? 0,
        max: 0, // the kernel does not keep it
        failures: events.get('max') ?? 0,
      },
    ];
  });
}
