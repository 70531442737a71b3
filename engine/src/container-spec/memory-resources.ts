/** Memory limits of a container, checked by docker's rules. */
import { StackError } from '#spec/errors';
import type { MemoryResources } from '#spec/oci/resources';
import type { ResourceConfig } from '../api/resource-config.ts';

const minimumMemoryBytes = 6 * 1024 * 1024;

/** Undefined without any limit. Throws invalid_argument in docker's words. */
export function memoryResources(
  config: ResourceConfig,
  { swapLimit }: { swapLimit: boolean },
): MemoryResources | undefined {
  checkMemory(config);
  const { Memory: limit, MemorySwap: swap, MemoryReservation: reservation } = config;
  const { MemorySwappiness: swappiness, KernelMemoryTCP: kernelTCP = 0 } = config;
  // Without a swap limit docker allows as much swap as memory.
  const swapTotal = swap === 0 && limit > 0 ? 2 * limit : swap;
  const memory: MemoryResources = {
    ...(limit > 0 && { limit }),
    ...(reservation > 0 && { reservation }),
    ...(swapTotal !== 0 && swapLimit && { swap: swapTotal }),
    ...(swappiness !== null && { swappiness }),
    ...(config.OomKillDisable && { disableOOMKiller: true }),
    ...(kernelTCP > 0 && { kernelTCP }),
  };
  return Object.keys(memory).length > 0 ? memory : undefined;
}

function checkMemory({
  Memory: limit,
  MemorySwap: swap,
  MemoryReservation: reservation,
  MemorySwappiness: swappiness,
}: ResourceConfig): void {
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
  if (swappiness !== null && (swappiness < 0 || swappiness > 100)) {
    throw invalid(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
}

function invalid(message: string): StackError {
  return new StackError('invalid_argument', message);
}
