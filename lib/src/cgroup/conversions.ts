/** Values of cgroup v1, in which config.json is written, as cgroup v2 wants them. */
import { StackError } from '#spec/errors';

/**
 * cpu.shares (2 to 262144, 1024 by default) as cpu.weight (1 to 10000, 100 by default). The curve goes through
 * minimum, default and maximum of both scales (runc 1.4, crun 1.23).
 */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const l = Math.log2(shares);
  const weight = 10 ** ((l * l + 125 * l) / 612 - 7 / 34);
  // 10 ** 2.0000000000000004 must not round up to 101.
  return Math.ceil(weight - 1e-9);
}

/** blkio.weight (10 to 1000) as io.weight (1 to 10000). */
export function ioWeight(weight: number): number {
  return Math.floor(1 + ((weight - 10) * 9999) / 990);
}

/**
 * memory.swap.max from the limit of memory plus swap that config.json holds. undefined leaves the file alone.
 * Throws invalid_argument for a swap limit without, or below, a memory limit.
 */
export function swapMax(memorySwap: number, limit: number | undefined): number | 'max' | undefined {
  if (limit === -1 && memorySwap === 0) return 'max';
  if (memorySwap === 0) return undefined;
  if (memorySwap === -1) return 'max';
  if (limit === undefined || limit === 0 || limit === -1) {
    throw new StackError(
      'invalid_argument',
      'linux.resources.memory.swap: cannot be set without a memory limit',
    );
  }
  if (memorySwap < limit) {
    throw new StackError(
      'invalid_argument',
      `linux.resources.memory.swap: ${memorySwap} is below the memory limit ${limit}`,
    );
  }
  return memorySwap - limit;
}
