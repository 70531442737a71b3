/**
 * What keeps the snapshots of containers that are being created from containerd's garbage collector, until their records
 * do. One lease serves all creates that come one soon after the other: to make and to drop one for each would cost as much
 * as the rest of what they ask of containerd.
 */
import { randomUUID } from 'node:crypto';
import type { ContainerdClient } from '#proto/containerd-client';
import { isStackError, messageOf } from '#spec/errors';

/** Longer than any create takes after {@link renewMs}; ends by itself when the engine dies and does not come back. */
const leaseMs = 60 * 60 * 1000;
/** A lease gets no new work after this time. */
const renewMs = 10 * 60 * 1000;
/** Nobody has needed it for so long. */
const idleMs = 5000;

interface Lease {
  readonly id: string;
  readonly since: number;
  readonly made: Promise<unknown>;
  users: number;
}

export class CreationLease {
  readonly #client: ContainerdClient;
  readonly #labels: Record<string, string>;
  /** Those with users, and the current one. */
  readonly #held = new Set<Lease>();
  #current: Lease | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** `labels` mark the leases as this engine's. */
  constructor(client: ContainerdClient, labels: Record<string, string>) {
    this.#client = client;
    this.#labels = labels;
  }

  /** Whether work of this process may go on under the lease. */
  holds(id: string): boolean {
    return [...this.#held].some((lease) => lease.id === id);
  }

  /** Runs `action` with the id of a lease. Repeats it, once, where that turns out to have been deleted by somebody. */
  async run<T>(action: (lease: string) => Promise<T>): Promise<T> {
    const known = this.#current;
    const lease = this.#take();
    try {
      return await this.#use(lease, action);
    } catch (error) {
      if (lease !== known || !isStackError(error, 'not_found')) throw error;
      if (!messageOf(error).includes(lease.id)) throw error;
      if (this.#current === lease) this.#current = undefined;
    }
    return this.#use(this.#take(), action);
  }

  /** Drops it. To be called when nothing is created any more. */
  async end(): Promise<void> {
    clearTimeout(this.#idle);
    this.#current = undefined;
    await Promise.all([...this.#held].map((lease) => this.#drop(lease)));
  }

  #take(): Lease {
    clearTimeout(this.#idle);
    const known = this.#current;
    if (known && performance.now() - known.since < renewMs) return known;
    if (known) void this.#drop(known);
    const id = `engine-${randomUUID()}`;
    const labels = {
      'containerd.io/gc.expire': new Date(Date.now() + leaseMs).toISOString(),
      ...this.#labels,
    };
    const made = this.#client.leases.create({ id, labels });
    this.#current = { id, since: performance.now(), made, users: 0 };
    this.#held.add(this.#current);
    return this.#current;
  }

  async #use<T>(lease: Lease, action: (lease: string) => Promise<T>): Promise<T> {
    lease.users += 1;
    try {
      await lease.made.catch((error: unknown) => {
        if (this.#current === lease) this.#current = undefined;
        throw error;
      });
      return await action(lease.id);
    } finally {
      lease.users -= 1;
      if (lease.users === 0) this.#release(lease);
    }
  }

  #release(lease: Lease): void {
    if (lease !== this.#current) {
      void this.#drop(lease);
      return;
    }
    this.#idle = setTimeout(() => {
      this.#current = undefined;
      void this.#drop(lease);
    }, idleMs);
    this.#idle.unref();
  }

  /** What cannot be deleted now is removed with other leftovers, and says nothing about what was done under it. */
  async #drop(lease: Lease): Promise<void> {
    if (lease.users > 0) return;
    this.#held.delete(lease);
    await this.#client.leases.delete({ id: lease.id }).catch(() => undefined);
  }
}
