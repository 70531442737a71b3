/** `GET /containers/{id}/stats`: what containerd measures of a task, in docker's shape. */
import fs from 'node:fs';
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { isAny, unpackAny } from '#proto/any';
import * as v1 from '#proto/generated/io.containerd.cgroups.v1';
import * as v2 from '#proto/generated/io.containerd.cgroups.v2';
import { isStackError } from '#spec/errors';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { never, now } from './timestamps.ts';

const periodMs = 1000;
const nanosecondsPerTick = 1e9 / 100; // sysconf(_SC_CLK_TCK) is 100 on every Linux
const nanosecondsPerMicrosecond = 1000;

interface CpuStats {
  cpu_usage: {
    total_usage: number;
    percpu_usage?: number[];
    usage_in_kernelmode: number;
    usage_in_usermode: number;
  };
  system_cpu_usage?: number;
  online_cpus?: number;
  throttling_data: { periods: number; throttled_periods: number; throttled_time: number };
}

interface BlockEntry {
  major: number;
  minor: number;
  op: string;
  value: number;
}

/** One measurement; docker's StatsResponse without what compares it with the one before. */
interface Sample {
  read: string;
  cpu_stats: CpuStats;
  memory_stats: object;
  pids_stats: { current?: number; limit?: number };
  blkio_stats: Record<string, BlockEntry[] | null>;
  networks?: Record<string, object>;
}

export interface StatsOptions {
  /** One measurement a second until `signal` aborts; otherwise one. */
  stream: boolean;
  /** With a single one: do not wait for a second to compare with. */
  oneShot: boolean;
}

/** Measurements of a container; all zero while it does not run. */
export async function* containerStats(
  engine: Engine,
  container: Container,
  { stream, oneShot }: StatsOptions,
  signal: AbortSignal,
): AsyncGenerator<object> {
  let before: Sample | undefined;
  if (!stream && !oneShot && container.isRunning) {
    before = await sample(engine, container);
    await pause(periodMs, signal);
  }
  while (!signal.aborted && engine.containers.has(container.id)) {
    const current = await sample(engine, container);
    yield {
      name: `/${container.record.name}`,
      id: container.id,
      os_type: 'linux',
      num_procs: 0,
      storage_stats: {},
      preread: before?.read ?? never,
      precpu_stats: before?.cpu_stats ?? emptyCpu,
      ...current,
    };
    if (!stream) return;
    before = current;
    await pause(periodMs, signal);
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}

const blockNames = [
  'io_service_bytes_recursive',
  'io_serviced_recursive',
  'io_queue_recursive',
  'io_service_time_recursive',
  'io_wait_time_recursive',
  'io_merged_recursive',
  'io_time_recursive',
  'sectors_recursive',
] as const;

const emptyCpu: CpuStats = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

const emptySample: Sample = {
  read: never,
  cpu_stats: emptyCpu,
  memory_stats: {},
  pids_stats: {},
  blkio_stats: blockStats({}),
};

async function sample({ client, host }: Engine, container: Container): Promise<Sample> {
  if (!container.isRunning) return emptySample;
  try {
    const { metrics } = await client.tasks.metrics({ filters: [`id==${container.id}`] });
    const data = metrics.find(({ id }) => id === container.id)?.data;
    if (!data) return emptySample;
    const measured = isAny(v1.Metrics, data)
      ? fromV1(unpackAny(v1.Metrics, data), host.memoryBytes)
      : fromV2(unpackAny(v2.Metrics, data), host.memoryBytes);
    const networks = readNetworks(container);
    return {
      read: now(),
      ...measured,
      cpu_stats: {
        ...measured.cpu_stats,
        system_cpu_usage: systemCpuNanoseconds(),
        online_cpus: os.cpus().length,
      },
      ...(networks && { networks }),
    };
  } catch (error) {
    // It ended at this moment.
    if (isStackError(error, 'not_found') || isStackError(error, 'conflict')) return emptySample;
    throw error;
  }
}

type Measured = Omit<Sample, 'read' | 'networks'>;

function fromV1({ cpu, memory, pids, blkio }: v1.Metrics, hostBytes: number): Measured {
  const { usage, throttling } = cpu ?? {};
  return {
    cpu_stats: {
      cpu_usage: {
        total_usage: usage?.total ?? 0,
        percpu_usage: usage?.perCpu ?? [],
        usage_in_kernelmode: usage?.kernel ?? 0,
        usage_in_usermode: usage?.user ?? 0,
      },
      throttling_data: {
        periods: throttling?.periods ?? 0,
        throttled_periods: throttling?.throttledPeriods ?? 0,
        throttled_time: throttling?.throttledTime ?? 0,
      },
    },
    memory_stats: memory
      ? {
          usage: memory.usage?.usage ?? 0,
          max_usage: memory.usage?.max ?? 0,
          ...(memory.usage && memory.usage.failcnt > 0 && { failcnt: memory.usage.failcnt }),
          limit: limitOf(memory.usage?.limit, hostBytes),
          stats: kernelNames(memory),
        }
      : {},
    pids_stats: pidsStats(pids),
    blkio_stats: blockStats({
      io_service_bytes_recursive: blkio?.ioServiceBytesRecursive,
      io_serviced_recursive: blkio?.ioServicedRecursive,
      io_queue_recursive: blkio?.ioQueuedRecursive,
      io_service_time_recursive: blkio?.ioServiceTimeRecursive,
      io_wait_time_recursive: blkio?.ioWaitTimeRecursive,
      io_merged_recursive: blkio?.ioMergedRecursive,
      io_time_recursive: blkio?.ioTimeRecursive,
      sectors_recursive: blkio?.sectorsRecursive,
    }),
  };
}

function fromV2({ cpu, memory, pids, io }: v2.Metrics, hostBytes: number): Measured {
  const nanoseconds = (microseconds = 0): number => microseconds * nanosecondsPerMicrosecond;
  return {
    cpu_stats: {
      cpu_usage: {
        total_usage: nanoseconds(cpu?.usageUsec),
        usage_in_kernelmode: nanoseconds(cpu?.systemUsec),
        usage_in_usermode: nanoseconds(cpu?.userUsec),
      },
      throttling_data: {
        periods: cpu?.nrPeriods ?? 0,
        throttled_periods: cpu?.nrThrottled ?? 0,
        throttled_time: nanoseconds(cpu?.throttledUsec),
      },
    },
    memory_stats: memory
      ? {
          usage: memory.usage,
          limit: limitOf(memory.usageLimit, hostBytes),
          stats: kernelNames(memory),
        }
      : {},
    pids_stats: pidsStats(pids),
    blkio_stats: blockStats({
      io_service_bytes_recursive: io?.usage.flatMap(({ major, minor, rbytes, wbytes }) => [
        { major, minor, op: 'read', value: rbytes },
        { major, minor, op: 'write', value: wbytes },
      ]),
    }),
  };
}

/** Without a limit of its own a container has the machine's memory. */
function limitOf(limit: number | undefined, hostBytes: number): number {
  return limit === undefined || limit === 0 ? hostBytes : Math.min(limit, hostBytes);
}

function pidsStats(pids: { current: number; limit: number } | undefined): Sample['pids_stats'] {
  return pids ? { current: pids.current, ...(pids.limit > 0 && { limit: pids.limit }) } : {};
}

/** The numbers of memory.stat by the names that the kernel gives them. */
function kernelNames(memory: v1.MemoryStat | v2.MemoryStat): Record<string, number> {
  const own = new Set([
    'usage',
    'usageLimit',
    'swapUsage',
    'swapLimit',
    'maxUsage',
    'swapMaxUsage',
  ]);
  return Object.fromEntries(
    Object.entries(memory)
      .filter((entry): entry is [string, number] => typeof entry[1] === 'number')
      .filter(([name]) => !own.has(name))
      .map(([name, value]) => [kernelName(name), value]),
  );
}

function kernelName(name: string): string {
  return name
    .replace(/PgPg(In|Out)/, (_, way: string) => `Pgpg${way.toLowerCase()}`)
    .replace(/pgPg(In|Out)/, (_, way: string) => `pgpg${way.toLowerCase()}`)
    .replace(
      /([pP])g(Maj)?Fault/,
      (_, p: string, major?: string) => `${p}g${major ? 'maj' : ''}fault`,
    )
    .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** All lists, null where there is nothing, as Go writes them. */
function blockStats(
  lists: Partial<Record<(typeof blockNames)[number], readonly BlockEntry[] | undefined>>,
): Sample['blkio_stats'] {
  return Object.fromEntries(
    blockNames.map((name) => {
      const list = lists[name] ?? [];
      const entries = list.map(({ major, minor, op, value }) => ({ major, minor, op, value }));
      return [name, entries.length > 0 ? entries : null];
    }),
  );
}

/** What all processors have done since the start of the machine, waiting included: the first line of /proc/stat. */
function systemCpuNanoseconds(): number {
  const [line = ''] = fs.readFileSync('/proc/stat', 'utf8').split('\n', 1);
  // user, nice, system, idle, iowait, irq, softirq, steal; the guest's time is in the first two already
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  return ticks.reduce((sum, value) => sum + value, 0) * nanosecondsPerTick;
}

/** Counters of the container's links; undefined where it has none of its own. */
function readNetworks({ state, record }: Container): Record<string, object> | undefined {
  if (['host', 'none'].includes(record.hostConfig.NetworkMode)) return undefined;
  let text: string;
  try {
    text = fs.readFileSync(`/proc/${state.pid}/net/dev`, 'utf8');
  } catch {
    return undefined; // it ended
  }
  const links = text
    .split('\n')
    .slice(2)
    .flatMap((line) => {
      const [name = '', counters = ''] = line.split(':');
      const values = counters.trim().split(/\s+/).map(Number);
      return name.trim() === '' || name.trim() === 'lo' ? [] : [[name.trim(), values] as const];
    });
  return Object.fromEntries(
    links.map(([name, values]) => [
      name,
      {
        rx_bytes: values[0] ?? 0,
        rx_packets: values[1] ?? 0,
        rx_errors: values[2] ?? 0,
        rx_dropped: values[3] ?? 0,
        tx_bytes: values[8] ?? 0,
        tx_packets: values[9] ?? 0,
        tx_errors: values[10] ?? 0,
        tx_dropped: values[11] ?? 0,
      },
    ]),
  );
}
