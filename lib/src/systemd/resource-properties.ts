/** Limits of config.json as properties of a unit (systemd.resource-control(5)), in runc's choice. */
import { cpuWeight, swapMax } from '#lib/cgroup/conversions';
import type { Resources } from '#spec/oci/resources';
import { deviceProperties } from './device-properties.ts';
import type { Property } from './manager.ts';
import { unifiedProperties } from './unified-properties.ts';
import { bits, uint64 } from './values.ts';

/** What a unit must have so that `resources` stay in force when systemd sets its own values again. */
export function resourceProperties(
  resources: Resources,
  { version, unified }: { version: number; unified: boolean },
): Property[] {
  return [
    ...(resources.devices ? deviceProperties(resources.devices) : []),
    ...(unified ? v2Properties(resources, version) : v1Properties(resources)),
    ...quotaProperties(resources, version),
    ...pidsProperties(resources),
    ...cpusetProperties(resources, version),
    ...(unified ? unifiedProperties(resources.unified ?? {}, version) : []),
  ];
}

function v1Properties({ memory, cpu, blockIO }: Resources): Property[] {
  const properties: Property[] = [];
  if (memory?.limit) properties.push(['MemoryLimit', uint64(memory.limit)]);
  if (cpu?.shares) properties.push(['CPUShares', uint64(cpu.shares)]);
  if (blockIO?.weight) properties.push(['BlockIOWeight', uint64(blockIO.weight)]);
  return properties;
}

/** systemd knows cpu.idle as this weight since 252. */
const idleWeight = 0;

function v2Properties({ memory, cpu }: Resources, version: number): Property[] {
  const properties: Property[] = [];
  if (memory?.limit) properties.push(['MemoryMax', uint64(memory.limit)]);
  if (memory?.reservation) properties.push(['MemoryLow', uint64(memory.reservation)]);
  const swap = memory?.swap === undefined ? undefined : swapMax(memory.swap, memory.limit);
  if (swap !== undefined) properties.push(['MemorySwapMax', uint64(swap === 'max' ? -1 : swap)]);
  const isIdle = Boolean(cpu?.idle) && version >= 252;
  if (isIdle) properties.push(['CPUWeight', uint64(idleWeight)]);
  else if (cpu?.shares) properties.push(['CPUWeight', uint64(cpuWeight(cpu.shares))]);
  return properties;
}

const defaultPeriodUs = 100_000;
/** systemd keeps whole percents; a limit is rounded up so that what is inside may have what it asks for. */
const percentUs = 10_000;

function quotaProperties({ cpu }: Resources, version: number): Property[] {
  const { quota = 0, period = 0 } = cpu ?? {};
  if (quota === 0 && period === 0) return [];
  const perSecond =
    quota > 0
      ? Math.ceil(Math.floor((quota * 1_000_000) / (period || defaultPeriodUs)) / percentUs) *
        percentUs
      : -1;
  return [
    ...(period !== 0 && version >= 242
      ? [['CPUQuotaPeriodUSec', uint64(period)] satisfies Property]
      : []),
    ['CPUQuotaPerSecUSec', uint64(perSecond)],
  ];
}

function pidsProperties({ pids }: Resources): Property[] {
  return pids?.limit === undefined ? [] : [['TasksMax', uint64(pids.limit)]];
}

function cpusetProperties({ cpu }: Resources, version: number): Property[] {
  if (version < 244) return [];
  const properties: Property[] = [];
  if (cpu?.cpus) properties.push(['AllowedCPUs', bits(cpu.cpus)]);
  if (cpu?.mems) properties.push(['AllowedMemoryNodes', bits(cpu.mems)]);
  return properties;
}
