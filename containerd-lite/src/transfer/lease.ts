/**
 * The lease of a transfer. It expires soon unless it is renewed, which the transfer does: what a daemon stored that was
 * killed in between is garbage a few minutes later, and until then the next attempt goes on with it.
 */
import type { GarbageCollector } from '../gc/garbage-collector.ts';
import { expiresIn, type Leases } from '../leases/leases.ts';
import type { Session } from './session.ts';

const lifetimeMs = 5 * 60 * 1000;
const renewalMs = 60 * 1000;

/** Runs `action` under a lease of its own. After a failure what it had stored is collected before this returns. */
export async function withTransferLease(
  { leases, gc }: { leases: Leases; gc: GarbageCollector },
  { namespace, lease }: Session,
  action: () => Promise<void>,
): Promise<void> {
  leases.create(namespace, lease, expiresIn(lifetimeMs));
  const timer = setInterval(() => leases.renew(namespace, lease, lifetimeMs), renewalMs);
  let succeeded = false;
  try {
    await action();
    succeeded = true;
  } finally {
    clearInterval(timer);
    leases.delete(namespace, lease);
    if (succeeded) gc.schedule();
    else await gc.collect();
  }
}
