/** Limits of a HostConfig as the runtime's `linux.resources`. */
import type { DeviceRule, Resources } from '#spec/oci/resources';
import type { ResourceConfig } from '../api/resource-config.ts';
import { blockIoResources } from './block-io.ts';
import { cpuResources, type CpuAbilities } from './cpu-resources.ts';
import { memoryResources } from './memory-resources.ts';

/** What the host's cgroups can do, as far as limits depend on it. */
export interface CgroupAbilities extends CpuAbilities {
  swapLimit: boolean;
  memorySwappiness: boolean;
  oomKillDisable: boolean;
  kernelMemoryTcp: boolean;
}

/** Resources of a container. Throws invalid_argument naming the field. */
export function containerResources(
  config: ResourceConfig,
  devices: readonly DeviceRule[],
  abilities: CgroupAbilities,
): Resources {
  const { PidsLimit: pids } = config;
  const memory = memoryResources(config, abilities);
  const cpu = cpuResources(config, abilities);
  const blockIO = blockIoResources(config);
  return {
    devices: [...devices],
    ...(memory && { memory }),
    ...(cpu && { cpu }),
    ...(blockIO && { blockIO }),
    // 0 and -1 mean no limit.
    ...(pids !== null && pids > 0 && { pids: { limit: pids } }),
  };
}

/**
 * The changes that make of a request what the host can do: limits that its kernel does not know are discarded, each
 * with a warning in docker's words for `Warnings` of create and update.
 */
export function discardUnsupported(
  config: ResourceConfig,
  abilities: CgroupAbilities,
): { changes: Partial<ResourceConfig>; warnings: string[] } {
  const changes: Partial<ResourceConfig> = {};
  const warnings: string[] = [];
  if (config.Memory > 0 && config.MemorySwap !== -1 && !abilities.swapLimit) {
    warnings.push(withoutSupport('swap limit', 'Memory limited without swap.'));
    changes.MemorySwap = -1;
  }
  // How clients of old say that it was not given.
  if (config.MemorySwappiness === -1) changes.MemorySwappiness = null;
  else if (config.MemorySwappiness !== null && !abilities.memorySwappiness) {
    warnings.push(withoutSupport('memory swappiness', 'Memory swappiness discarded.'));
    changes.MemorySwappiness = null;
  }
  if ((config.KernelMemory ?? 0) > 0) {
    // On no kernel since 5.4 does it hold, even where the file is still there.
    warnings.push(withoutSupport('kernel memory limit', 'Limitation discarded.'));
    changes.KernelMemory = 0;
  }
  if ((config.KernelMemoryTCP ?? 0) > 0 && !abilities.kernelMemoryTcp) {
    warnings.push(withoutSupport('kernel memory TCP limit', 'Limitation discarded.'));
    changes.KernelMemoryTCP = 0;
  }
  if (!abilities.oomKillDisable) {
    if (config.OomKillDisable) {
      warnings.push('Your kernel does not support OomKillDisable. OomKillDisable discarded.');
    }
    changes.OomKillDisable = null;
  } else if (config.OomKillDisable && config.Memory === 0) {
    warnings.push(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    );
  }
  return { changes, warnings };
}

function withoutSupport(ability: string, consequence: string): string {
  return `Your kernel does not support ${ability} capabilities or the cgroup is not mounted. ${consequence}`;
}
