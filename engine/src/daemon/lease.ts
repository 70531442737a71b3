/** Work whose results nothing refers to yet, kept from containerd's garbage collector meanwhile. */
import { randomUUID } from 'node:crypto';
import type { ContainerdClient } from '#proto/containerd-client';

/** Long enough for the slowest disk; ends by itself when the engine dies in between. */
const leaseMs = 60 * 60 * 1000;

/** Runs `action` under a lease that is dropped afterwards, whatever came of it. */
export async function withLease<T>(
  { leases }: ContainerdClient,
  action: (lease: string) => Promise<T>,
): Promise<T> {
  const id = `engine-${randomUUID()}`;
  await leases.create({
    id,
    labels: { 'containerd.io/gc.expire': new Date(Date.now() + leaseMs).toISOString() },
  });
  try {
    return await action(id);
  } finally {
    await leases.delete({ id });
  }
}
