/** How the daemons keep house: they serve bursts of calls, with threads that come and go, and wait in between. */
import type { MallocLimits } from '../sys/malloc.ts';
import type { IdleMemoryOptions } from './idle-memory.ts';

/**
 * Worker threads have ended by then. A collection takes 50 ms, and what it has thrown away of compiled code takes some more: for
 * a crowd of containers or a pull, not for somebody who runs one every few seconds.
 */
export const daemonRest: IdleMemoryOptions = {
  idleMs: 4000,
  leastPauseMs: 30_000,
  leastGrowthBytes: 12 << 20,
};

/** Each thread would keep an arena of its own, and what passed through it: 80 MB after a pull of 60. */
export const daemonMalloc: MallocLimits = { arenas: 2, mmapThreshold: 128 << 10 };
