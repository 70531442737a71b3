/** What a pull has stored and nothing refers to yet, kept from the garbage collector meanwhile. */
import { randomUUID } from 'node:crypto';
import type { ContainerdClient } from '#proto/containerd-client';
import { isStackError } from '#spec/errors';
import { tidyUp } from './tidy-later.ts';

const leasePrefix = 'engine-pull-';
/** Longer than any pull; a lease whose engine died and never came back ends by itself. */
const leaseMs = 24 * 60 * 60 * 1000;

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
    await tidyUp(() => leases.delete({ id, sync: !succeeded }), leaseMs);
  }
}
