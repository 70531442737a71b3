/** Processor time of a container, checked by docker's rules. */
import os from 'node:os';
import { StackError } from '#spec/errors';
import type { CpuResources } from '#spec/oci/resources';
import type { ResourceConfig } from '../api/resource-config.ts';

/** The kernel's default scheduling period, which --cpus is a share of. */
const cpuPeriodMicroseconds = 100_000;
const nanosecondsPerCpu = 1e9;

/** What the host can do and has. */
export interface CpuAbilities {
  /** Whether the kernel gives groups a share of real-time scheduling. */
  cpuRealtime: boolean;
  /** Processors and memory nodes that a cpuset may name, as `0-3,7`; empty where there are no cpusets. */
  cpusetCpus: string;
  cpusetMems: string;
}

/** Undefined without any limit. Throws invalid_argument in docker's words. */
export function cpuResources(
  config: ResourceConfig,
  abilities: CpuAbilities,
): CpuResources | undefined {
  const { NanoCpus: nanoCpus, CpuShares: shares, CpuPeriod: period, CpuQuota: quota } = config;
  const { CpusetCpus: cpus, CpusetMems: mems } = config;
  const { CpuRealtimeRuntime: realtimeRuntime, CpuRealtimePeriod: realtimePeriod } = config;
  checkTime(config);
  checkRealtime(config, abilities);
  checkSet('CPUs', 'cpus', cpus, abilities.cpusetCpus);
  checkSet('memory nodes', 'mems', mems, abilities.cpusetMems);
  const cpu: CpuResources = {
    ...(shares > 0 && { shares }),
    ...(nanoCpus > 0 && {
      period: cpuPeriodMicroseconds,
      quota: Math.round((nanoCpus * cpuPeriodMicroseconds) / nanosecondsPerCpu),
    }),
    ...(period > 0 && { period }),
    ...(quota !== 0 && { quota }),
    ...(realtimePeriod !== 0 && { realtimePeriod }),
    ...(realtimeRuntime !== 0 && { realtimeRuntime }),
    ...(cpus !== '' && { cpus }),
    ...(mems !== '' && { mems }),
  };
  return Object.keys(cpu).length > 0 ? cpu : undefined;
}

function checkTime(config: ResourceConfig): void {
  const { NanoCpus: nanoCpus, CpuShares: shares, CpuPeriod: period, CpuQuota: quota } = config;
  if (nanoCpus > 0 && period > 0) {
    throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  }
  if (nanoCpus > 0 && quota > 0) {
    throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  }
  if (nanoCpus !== 0) checkCpuCount(nanoCpus);
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    throw invalid(
      'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)',
    );
  }
  if (quota > 0 && quota < 1000) {
    throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  }
  if (shares < 0) {
    throw invalid(`invalid CPU shares (${shares}): value must be a positive integer`);
  }
}

function checkCpuCount(nanoCpus: number): void {
  const available = os.cpus().length; // reads files of /proc and /sys: not for nothing
  if (nanoCpus > 0 && nanoCpus <= available * nanosecondsPerCpu) return;
  throw invalid(
    `range of CPUs is from 0.01 to ${available.toFixed(2)}, as there are only ${available} CPUs available`,
  );
}

function checkRealtime(
  { CpuRealtimeRuntime: runtime, CpuRealtimePeriod: period }: ResourceConfig,
  { cpuRealtime }: CpuAbilities,
): void {
  if (runtime === 0 && period === 0) return;
  if (!cpuRealtime) throw invalid('kernel does not support CPU real-time scheduler');
  for (const [name, value] of Object.entries({ runtime, period })) {
    if (value < 0) throw invalid(`cpu real-time ${name} cannot be negative`);
  }
  if (period !== 0 && runtime > period) {
    throw invalid('cpu real-time runtime cannot be higher than cpu real-time period');
  }
}

function checkSet(what: string, name: string, wanted: string, available: string): void {
  if (wanted === '' || available === '') return;
  const numbers = parseSet(wanted);
  if (!numbers) throw invalid(`Invalid value ${wanted} for cpuset ${name}`);
  const present = parseSet(available) ?? new Set();
  if ([...numbers].some((number) => !present.has(number))) {
    throw invalid(
      `Requested ${what} are not available - requested ${wanted}, available: ${available}`,
    );
  }
}

/** The numbers of `0-3,7`; undefined for what is no such list. No machine has more than 8192. */
function parseSet(text: string): Set<number> | undefined {
  const numbers = new Set<number>();
  for (const range of text.split(',')) {
    const [, first, last] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(range.trim()) ?? [];
    if (first === undefined || Number(last ?? first) < Number(first)) return undefined;
    for (let number = Number(first); number <= Number(last ?? first); number++) numbers.add(number);
  }
  return numbers;
}

function invalid(message: string): StackError {
  return new StackError('invalid_argument', message);
}
