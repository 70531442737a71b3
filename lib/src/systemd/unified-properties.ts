/** Files of cgroup v2 that config.json sets by name (`linux.resources.unified`), as properties of a unit. */
import type { Property } from './manager.ts';
import { bits, uint64 } from './values.ts';

/** Properties that take the number in a file, `max` for no limit. */
const limits: Readonly<Record<string, string>> = {
  'memory.high': 'MemoryHigh',
  'memory.low': 'MemoryLow',
  'memory.min': 'MemoryMin',
  'memory.max': 'MemoryMax',
  'memory.swap.max': 'MemorySwapMax',
  'pids.max': 'TasksMax',
  'cpu.weight': 'CPUWeight',
};

const defaultPeriodUs = 100_000;

/** What systemd has no property for is set in the cgroup alone. */
export function unifiedProperties(
  files: Readonly<Record<string, string>>,
  version: number,
): Property[] {
  return Object.entries(files).flatMap(([file, written]): Property[] => {
    const value = written.trim();
    const limit = limits[file];
    if (limit !== undefined) {
      if (value !== 'max' && !/^\d+$/.test(value)) return [];
      return [[limit, uint64(value === 'max' ? -1 : BigInt(value))]];
    }
    switch (file) {
      case 'cpuset.cpus':
        return version >= 244 ? [['AllowedCPUs', bits(value)]] : [];
      case 'cpuset.mems':
        return version >= 244 ? [['AllowedMemoryNodes', bits(value)]] : [];
      case 'cpu.max':
        return quota(value, version);
      case 'cpu.idle':
        return value === '1' && version >= 252 ? [['CPUWeight', uint64(0)]] : [];
      default:
        return [];
    }
  });
}

/** `50000 100000`, `max 100000`, `max`. */
function quota(value: string, version: number): Property[] {
  const [limit = 'max', period = String(defaultPeriodUs)] = value.split(/\s+/);
  if (!/^\d+$/.test(period) || !/^(\d+|max)$/.test(limit)) return [];
  const perSecond =
    limit === 'max'
      ? -1
      : Math.ceil((Number(limit) * 1_000_000) / Number(period) / 10_000) * 10_000;
  return [
    ...(version >= 242 ? [['CPUQuotaPeriodUSec', uint64(Number(period))] satisfies Property] : []),
    ['CPUQuotaPerSecUSec', uint64(perSecond)],
  ];
}
