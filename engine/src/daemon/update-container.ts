/** `POST /containers/{id}/update`: other limits and another restart policy, also for a container that runs. */
import { jsonTypes, packJson } from '#proto/any';
import type { Resources } from '#spec/oci/resources';
import { StackError } from '#spec/errors';
import type { HostConfig } from '../api/host-config.ts';
import { containerResources, discardUnsupported } from '../container-spec/resources.ts';
import type { Container } from './container.ts';
import { publishContainerEvent } from './container-events.ts';
import { cgroupsPath } from './create-container.ts';
import type { Engine } from './engine.ts';
import { allotRealtime } from './realtime-budget.ts';
import { withSpecResources } from './spec-resources.ts';

/** The fields of a HostConfig that can be changed later. 0, empty and absent leave what is there. */
export const updatableFields = [
  ...['BlkioWeight', 'CpuShares', 'NanoCpus', 'CpuPeriod', 'CpuQuota', 'CpusetCpus', 'CpusetMems'],
  ...['CpuRealtimePeriod', 'CpuRealtimeRuntime', 'Memory', 'MemoryReservation', 'MemorySwap'],
  ...['KernelMemory', 'PidsLimit', 'RestartPolicy'],
] as const;

/** Changes limits. Throws invalid_argument for limits that cannot be, and what the kernel says of the new ones. */
export async function updateContainer(
  engine: Engine,
  container: Container,
  asked: Partial<HostConfig>,
): Promise<string[]> {
  const { client, containers, host } = engine;
  return container.mutex.run(async () => {
    const { record } = container;
    const { status } = container.state;
    if (status === 'removing' || status === 'dead') {
      throw new StackError('conflict', `container is marked for removal and cannot be "update"`);
    }
    const hostConfig: HostConfig = { ...record.hostConfig, ...asked };
    if (asked.PidsLimit !== undefined) hostConfig.PidsLimit = Math.max(0, asked.PidsLimit ?? 0);
    if (asked.RestartPolicy && asked.RestartPolicy.Name !== 'no' && hostConfig.AutoRemove) {
      throw new StackError(
        'invalid_argument',
        'Restart policy cannot be updated because AutoRemove is enabled for the container',
      );
    }
    checkSwap(record.hostConfig, asked);
    checkProcessorTime(record.hostConfig, asked);
    const { changes, warnings } = discardUnsupported(hostConfig, host.cgroups);
    Object.assign(hostConfig, changes);
    const resources = containerResources(hostConfig, [], host.cgroups);
    delete resources.devices;
    if (container.isRunning) {
      allotRealtime(cgroupsPath(engine, record), hostConfig);
      await client.tasks.update({
        containerId: container.id,
        resources: packJson(jsonTypes.linuxResources, lifted(resources, asked)),
      });
    }
    await withSpecResources(engine, container, resources);
    record.hostConfig = hostConfig;
    await containers.save(container);
    publishContainerEvent(engine, container, 'update');
    return warnings;
  });
}

/** A memory limit above the swap limit that stays would be refused by the kernel; docker says so first. */
function checkSwap(before: HostConfig, asked: Partial<HostConfig>): void {
  if (!asked.Memory || asked.MemorySwap) return;
  if (before.MemorySwap > 0 && asked.Memory > before.MemorySwap) {
    throw new StackError(
      'invalid_argument',
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    );
  }
}

/** --cpus sets period and quota: whoever has one cannot be given the other. */
function checkProcessorTime(before: HostConfig, asked: Partial<HostConfig>): void {
  const conflicts: [boolean, string][] = [
    [
      !!asked.NanoCpus && before.CpuPeriod > 0,
      'Nano CPUs cannot be updated as CPU Period has already been set',
    ],
    [
      !!asked.NanoCpus && before.CpuQuota > 0,
      'Nano CPUs cannot be updated as CPU Quota has already been set',
    ],
    [
      !!asked.CpuPeriod && before.NanoCpus > 0,
      'CPU Period cannot be updated as NanoCPUs has already been set',
    ],
    [
      !!asked.CpuQuota && before.NanoCpus > 0,
      'CPU Quota cannot be updated as NanoCPUs has already been set',
    ],
  ];
  const found = conflicts.find(([holds]) => holds);
  if (found) throw new StackError('conflict', `Conflicting options: ${found[1]}`);
}

/** -1 takes a limit away, which the compiled resources express by leaving it out. */
function lifted(resources: Resources, { PidsLimit: pids }: Partial<HostConfig>): Resources {
  return pids === -1 || pids === 0 ? { ...resources, pids: { limit: -1 } } : resources;
}
