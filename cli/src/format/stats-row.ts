/** A container's use of resources as `stats` shows it: computed from two readings, as docker computes it. */
import { shortId } from './truncate.ts';
import { binarySize, humanSize } from './units.ts';

interface CpuReading {
  cpu_usage: { total_usage: number; percpu_usage?: number[] | null };
  system_cpu_usage?: number;
  online_cpus?: number;
}

/** One answer of `/containers/ID/stats`. */
export interface StatsAnswer {
  name: string;
  id: string;
  cpu_stats: CpuReading;
  precpu_stats: CpuReading;
  memory_stats: { usage?: number; limit?: number; stats?: Record<string, number> | null };
  blkio_stats: { io_service_bytes_recursive: { op: string; value: number }[] | null };
  pids_stats: { current?: number };
  networks?: Record<string, { rx_bytes: number; tx_bytes: number }> | null;
}

/** `container` as it was asked for. Without valid figures there are dashes. */
export function statsRow(
  container: string,
  answer: StatsAnswer | undefined,
  { truncate, isValid }: { truncate: boolean; isValid: boolean },
) {
  const id = answer?.id ?? '';
  const known = {
    Container: container,
    ID: truncate ? shortId(id) : id,
    Name: answer === undefined || answer.name.length < 2 ? '--' : answer.name.replace(/^\//, ''),
  };
  if (!answer || !isValid) {
    const none = '--';
    return {
      ...known,
      ...{ CPUPerc: none, MemUsage: '-- / --', MemPerc: none },
      ...{ NetIO: none, BlockIO: none, PIDs: none },
    };
  }
  const memory = usedMemory(answer.memory_stats);
  const limit = answer.memory_stats.limit ?? 0;
  const networks = Object.values(answer.networks ?? {});
  const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);
  const transferred = (letter: string): number =>
    sum(
      (answer.blkio_stats.io_service_bytes_recursive ?? [])
        .filter(({ op }) => op.toLowerCase().startsWith(letter))
        .map(({ value }) => value),
    );
  return {
    ...known,
    CPUPerc: percent(cpuShare(answer)),
    MemUsage: `${binarySize(memory)} / ${binarySize(limit)}`,
    MemPerc: percent(limit === 0 ? 0 : memory / limit),
    NetIO: `${humanSize(sum(networks.map((one) => one.rx_bytes)))} / ${humanSize(sum(networks.map((one) => one.tx_bytes)))}`,
    BlockIO: `${humanSize(transferred('r'))} / ${humanSize(transferred('w'))}`,
    PIDs: String(answer.pids_stats.current ?? 0),
  };
}

/** 1 for one processor used all the time. */
function cpuShare({ cpu_stats: now, precpu_stats: before }: StatsAnswer): number {
  const used = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const all = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const counted = now.online_cpus ?? 0;
  const processors = counted === 0 ? (now.cpu_usage.percpu_usage ?? []).length : counted;
  return used > 0 && all > 0 ? (used / all) * processors : 0;
}

/** Without cached files that nobody uses: the kernel gives them back when memory is wanted (cgroup v1, then v2). */
function usedMemory({ usage = 0, stats }: StatsAnswer['memory_stats']): number {
  const inactive = stats?.['total_inactive_file'] ?? stats?.['inactive_file'] ?? 0;
  return inactive < usage ? usage - inactive : usage;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
