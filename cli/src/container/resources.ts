/** The limits that `run`, `create` and `update` give a container. */
import { UsageError } from '../command-line/parse.ts';
import { parseBytes, parseInteger, parseNanoCpus } from '../format/units.ts';

/** Flags of `update`; `run` has these and more. */
export interface ResourceFlags {
  'blkio-weight'?: string | undefined;
  'cpu-period'?: string | undefined;
  'cpu-quota'?: string | undefined;
  'cpu-rt-period'?: string | undefined;
  'cpu-rt-runtime'?: string | undefined;
  'cpu-shares'?: string | undefined;
  cpus?: string | undefined;
  'cpuset-cpus'?: string | undefined;
  'cpuset-mems'?: string | undefined;
  memory?: string | undefined;
  'memory-reservation'?: string | undefined;
  'memory-swap'?: string | undefined;
  'pids-limit'?: string | undefined;
}

/** Fields of the API's Resources; undefined where nothing was said. Throws {@link UsageError}. */
export function resources(flags: ResourceFlags): Record<string, unknown> {
  const whole = (flag: keyof ResourceFlags, shown = `--${flag}`): number | undefined => {
    const value = flags[flag];
    return value === undefined ? undefined : parseInteger(value, shown);
  };
  const bytes = (flag: keyof ResourceFlags, shown = `--${flag}`): number | undefined => {
    const value = flags[flag];
    if (value === undefined) return undefined;
    return value === '-1' && flag === 'memory-swap' ? -1 : parseBytes(value, shown);
  };
  const { cpus } = flags;
  return {
    BlkioWeight: whole('blkio-weight'),
    CpuPeriod: whole('cpu-period'),
    CpuQuota: whole('cpu-quota'),
    CpuRealtimePeriod: whole('cpu-rt-period'),
    CpuRealtimeRuntime: whole('cpu-rt-runtime'),
    CpuShares: whole('cpu-shares', '-c, --cpu-shares'),
    CpusetCpus: flags['cpuset-cpus'],
    CpusetMems: flags['cpuset-mems'],
    Memory: bytes('memory', '-m, --memory'),
    MemoryReservation: bytes('memory-reservation'),
    MemorySwap: bytes('memory-swap'),
    NanoCpus: cpus === undefined ? undefined : parseNanoCpus(cpus, '--cpus'),
    PidsLimit: whole('pids-limit'),
  };
}

/** `name[:max-retries]`. */
export function parseRestartPolicy(value: string): { Name: string; MaximumRetryCount: number } {
  const [name = '', retries, ...rest] = value.split(':');
  if (rest.length > 0) {
    throw new UsageError('invalid restart policy format: too many colons');
  }
  if (name === '' && retries !== undefined) {
    throw new UsageError('invalid restart policy format: no policy provided before colon');
  }
  if (retries !== undefined && !/^\d+$/.test(retries)) {
    throw new UsageError('invalid restart policy format: maximum retry count must be an integer');
  }
  return { Name: name, MaximumRetryCount: Number(retries ?? 0) };
}
