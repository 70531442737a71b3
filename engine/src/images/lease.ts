/** What a pull has stored and nothing refers to yet, kept from the garbage collector meanwhile. */
import { randomUUID } from 'node:crypto';
import type { ContainerdClient } from '#proto/containerd-client';

/** Longer than any pull; a lease whose engine died ends by itself. */
const leaseMs = 24 * 60 * 60 * 1000;

/** Runs `action` under a lease. After a failure what it had stored is collected before this returns. */
export async function withPullLease<T>(
  { leases }: ContainerdClient,
  action: (lease: string) => Promise<T>,
): Promise<T> {
  const id = `engine-pull-${randomUUID()}`;
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
    await leases.delete({ id, sync: !succeeded }).catch(() => undefined); // it expires by itself
  }
}
