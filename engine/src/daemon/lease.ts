/** Work whose results nothing refers to yet, kept from containerd's garbage collector meanwhile. */
import { randomUUID } from 'node:crypto';
import { isStackError } from '#spec/errors';
import type { Engine } from './engine.ts';
import { ownerLabels } from './owner.ts';

/** Long enough for the slowest disk; ends by itself when the engine dies in between and does not come back. */
const leaseMs = 60 * 60 * 1000;

const held = new Set<string>();

/** Whether work of this process goes on under the lease. */
export function isLeaseHeld(id: string): boolean {
  return held.has(id);
}

/** Runs `action` under a lease that is dropped afterwards, whatever came of it. */
export async function withLease<T>(
  { client, paths }: Pick<Engine, 'client' | 'paths'>,
  action: (lease: string) => Promise<T>,
): Promise<T> {
  const id = `engine-${randomUUID()}`;
  const expiry = new Date(Date.now() + leaseMs).toISOString();
  held.add(id);
  try {
    await client.leases.create({
      id,
      labels: { 'containerd.io/gc.expire': expiry, ...ownerLabels(paths) },
    });
    try {
      return await action(id);
    } finally {
      await client.leases.delete({ id }).catch((error: unknown) => {
        // It is removed with other leftovers, and says nothing about what was done under it.
        if (!isStackError(error, 'unavailable')) throw error;
      });
    }
  } finally {
    held.delete(id);
  }
}
