/** What a pull has stored and nothing refers to yet, kept from the garbage collector meanwhile. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerdClient } from '#proto/containerd-client';
import { isStackError } from '#spec/errors';

const leasePrefix = 'engine-pull-';
/** Longer than any pull; a lease whose engine died and never came back ends by itself. */
const leaseMs = 24 * 60 * 60 * 1000;
/** Between attempts to end a lease while containerd is away. */
const retryMs = 1000;

/** Ends the leases of pulls that an engine has not survived: what they had stored is collected. */
export async function endPullLeases({ leases }: ContainerdClient): Promise<void> {
  for (const { id } of (await leases.list({})).leases) {
    if (!id.startsWith(leasePrefix)) continue;
    await leases.delete({ id }).catch((error: unknown) => {
      if (!isStackError(error, 'not_found')) throw error; // expired meanwhile
    });
  }
}

/** Runs `action` under a lease. After a failure what it had stored is collected before this returns. */
export async function withPullLease<T>(
  { leases }: ContainerdClient,
  action: (lease: string) => Promise<T>,
): Promise<T> {
  const id = `${leasePrefix}${randomUUID()}`;
  await leases.create({
    id,
    labels: { 'containerd.io/gc.expire': new Date(Date.now() + leaseMs).toISOString() },
  });
  let succeeded = false;
  try {
    const result = await action(id);
    succeeded = true;
    return result;
  } finally {
    await leases.delete({ id, sync: !succeeded }).catch((error: unknown) => {
      if (!isStackError(error, 'not_found')) void endLater(leases, id);
    });
  }
}

/** A containerd that died in the middle is started again; what it had stored goes then. Gives up when the lease has expired. */
async function endLater(leases: ContainerdClient['leases'], id: string): Promise<void> {
  const expiresMs = Date.now() + leaseMs;
  while (Date.now() < expiresMs) {
    await delay(retryMs, undefined, { ref: false });
    try {
      await leases.delete({ id });
      return;
    } catch (error) {
      if (isStackError(error, 'not_found')) return;
    }
  }
}
