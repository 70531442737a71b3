/** Limits of a HostConfig as the runtime's `linux.resources`, checked by docker's rules. */
import os from 'node:os';
import type { HostConfig } from '../api/host-config.ts';
import type { Ulimit } from '../api/resource-config.ts';
import { StackError } from '#spec/errors';
import { blockIoResources } from './block-io.ts';
import type { Rlimit } from '#spec/oci/process';
import type { DeviceRule, Resources } from '#spec/oci/resources';
import { rlimitNames } from '#spec/rlimits';

const minimumMemoryBytes = 6 * 1024 * 1024;
/** The kernel's default scheduling period, which --cpus is a share of. */
const cpuPeriodMicroseconds = 100_000;
const nanosecondsPerCpu = 1e9;

/** What the host's cgroups can do, as far as limits depend on it. */
export interface CgroupAbilities {
  swapLimit: boolean;
}

/** Resources of a container. Throws invalid_argument naming the field. */
export function containerResources(
  hostConfig: HostConfig,
  devices: readonly DeviceRule[],
  abilities: CgroupAbilities,
): Resources {
  const { PidsLimit: pids } = hostConfig;
  const memory = memoryResources(hostConfig, abilities);
  const cpu = cpuResources(hostConfig);
  const blockIO = blockIoResources(hostConfig);
  return {
    devices: [...devices],
    ...(memory && { memory }),
    ...(cpu && { cpu }),
    ...(blockIO && { blockIO }),
    // 0 and -1 mean no limit.
    ...(pids !== null && pids > 0 && { pids: { limit: pids } }),
  };
}

/** Things a user should know about the limits that were accepted, for `Warnings` of create. */
export function resourceWarnings(
  { Memory: memory, MemorySwap: swap }: HostConfig,
  { swapLimit }: CgroupAbilities,
): string[] {
  if (memory > 0 && swap !== -1 && !swapLimit) {
    return [
      'Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.',
    ];
  }
  return [];
}

function memoryResources(
  hostConfig: HostConfig,
  { swapLimit }: CgroupAbilities,
): Resources['memory'] | undefined {
  const {
    Memory: limit,
    MemorySwap: swap,
    MemoryReservation: reservation,
    MemorySwappiness: swappiness,
    OomKillDisable: oomKillDisable,
  } = hostConfig;
  if (limit < 0 || (limit > 0 && limit < minimumMemoryBytes)) {
    throw invalid('Minimum memory limit allowed is 6MB');
  }
  if (limit === 0 && swap > 0) {
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (limit > 0 && swap > 0 && swap < limit) {
    throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (reservation < 0 || (reservation > 0 && reservation < minimumMemoryBytes)) {
    throw invalid('Minimum memory reservation allowed is 6MB');
  }
  if (limit > 0 && reservation > limit) {
    throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
  // Without a swap limit docker allows as much swap as memory.
  const swapTotal = swap === 0 && limit > 0 ? 2 * limit : swap;
  const memory = {
    ...(limit > 0 && { limit }),
    ...(reservation > 0 && { reservation }),
    ...(swapTotal !== 0 && swapLimit && { swap: swapTotal }),
    ...(swappiness !== null && swappiness >= 0 && { swappiness }),
    ...(oomKillDisable && { disableOOMKiller: true }),
  };
  return Object.keys(memory).length > 0 ? memory : undefined;
}

function cpuResources(hostConfig: HostConfig): Resources['cpu'] | undefined {
  const {
    NanoCpus: nanoCpus,
    CpuShares: shares,
    CpuPeriod: period,
    CpuQuota: quota,
    CpusetCpus: cpus,
    CpusetMems: mems,
  } = hostConfig;
  if (nanoCpus > 0 && period > 0) {
    throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  }
  if (nanoCpus > 0 && quota > 0) {
    throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  }
  const available = os.cpus().length;
  if (nanoCpus < 0 || nanoCpus > available * nanosecondsPerCpu) {
    throw invalid(
      `range of CPUs is from 0.01 to ${available.toFixed(2)}, as there are only ${available} CPUs available`,
    );
  }
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    throw invalid(
      'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)',
    );
  }
  if (quota > 0 && quota < 1000) {
    throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  }
  if (shares < 0) throw invalid('The CPU shares must not be negative');
  const cpu = {
    ...(shares > 0 && { shares }),
    ...(nanoCpus > 0 && {
      period: cpuPeriodMicroseconds,
      quota: Math.round((nanoCpus * cpuPeriodMicroseconds) / nanosecondsPerCpu),
    }),
    ...(period > 0 && { period }),
    ...(quota !== 0 && { quota }),
    ...(cpus !== '' && { cpus }),
    ...(mems !== '' && { mems }),
  };
  return Object.keys(cpu).length > 0 ? cpu : undefined;
}

/** `nofile` becomes RLIMIT_NOFILE; -1 is no limit. */
export function processRlimits(ulimits: readonly Ulimit[]): Rlimit[] {
  return ulimits.map(({ Name: name, Soft: soft, Hard: hard }) => {
    const type = rlimitNames.find((known) => known === `RLIMIT_${name.toUpperCase()}`);
    if (!type) throw invalid(`invalid ulimit type: ${name}`);
    if (hard !== -1 && (soft === -1 || soft > hard)) {
      throw invalid(
        `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`,
      );
    }
    return { type, soft: unlimited(soft), hard: unlimited(hard) };
  });
}

/** RLIM_INFINITY, as JSON writes it; see rlimitValue() of #spec/rlimits. */
function unlimited(limit: number): number {
  return limit === -1 ? 2 ** 64 : limit;
}

function invalid(message: string): StackError {
  return new StackError('invalid_argument', message);
}
