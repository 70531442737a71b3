/**
 * Leases keep objects from the garbage collector while a client works: what is created under a lease, and what is
 * added to it, stays until the lease is deleted or its label `containerd.io/gc.expire` is in the past.
 */
import { randomUUID } from 'node:crypto';
import { StackError } from '#spec/errors';
import { timestampNow } from '#proto/timestamp';
import type { Lease } from '#proto/generated/containerd.services.leases.v1';
import type {
  Labels,
  LeaseRecord,
  LeaseResource,
  MetadataStore,
} from '../metadata/metadata-store.ts';
import { validateLabels } from '../metadata/labels.ts';
import { touchNamespace } from '../namespaces/namespaces.ts';

/** RFC 3339 time after which a lease counts for nothing. */
export const expireLabel = 'containerd.io/gc.expire';

export class Leases {
  readonly #metadata: MetadataStore;

  constructor(metadata: MetadataStore) {
    this.#metadata = metadata;
  }

  /** An empty `id` lets us choose. Throws already_exists; invalid_argument for an expiry that is not a time. */
  create(namespace: string, id: string, labels: Labels): Lease {
    validateLabels(labels);
    const expiry = labels[expireLabel];
    if (expiry !== undefined && Number.isNaN(Date.parse(expiry))) {
      throw new StackError('invalid_argument', `label ${expireLabel}: "${expiry}" is not a time`);
    }
    const name = id || randomUUID();
    return this.#metadata.change(() => {
      touchNamespace(this.#metadata, namespace);
      if (this.#metadata.leases.get(namespace, name)) {
        throw new StackError('already_exists', `lease "${name}": already exists`);
      }
      const record: LeaseRecord = { createdAt: timestampNow(), labels, resources: [] };
      this.#metadata.leases.put(namespace, name, record);
      return leaseOf(name, record);
    });
  }

  /** Lets it live for `lifetimeMs` from now; nothing happens where it does not exist. */
  renew(namespace: string, id: string, lifetimeMs: number): void {
    this.#metadata.change(() => {
      const record = this.#metadata.leases.get(namespace, id);
      if (!record) return;
      const labels = { ...record.labels, ...expiresIn(lifetimeMs) };
      this.#metadata.leases.put(namespace, id, { ...record, labels });
    });
  }

  /** What it kept is garbage from now on. Throws not_found. */
  delete(namespace: string, id: string): void {
    this.#metadata.change(() => {
      if (!this.#metadata.leases.delete(namespace, id)) throw notFound(id);
    });
  }

  list(namespace: string): Lease[] {
    return this.#metadata.leases.list(namespace).map(({ name, value }) => leaseOf(name, value));
  }

  /** Throws not_found. */
  resources(namespace: string, id: string): LeaseResource[] {
    return this.#record(namespace, id).resources;
  }

  /** Throws not_found, and invalid_argument for a type that cannot be leased. */
  addResource(namespace: string, id: string, resource: LeaseResource): void {
    requireResource(resource);
    this.#metadata.change(() => this.add(namespace, id, resource));
  }

  /** Throws not_found. */
  deleteResource(namespace: string, id: string, resource: LeaseResource): void {
    requireResource(resource);
    this.#metadata.change(() => this.remove(namespace, id, resource));
  }

  /** Adds to `lease`, which may be undefined: then nothing happens. Within a change only. Throws not_found. */
  add(namespace: string, lease: string | undefined, resource: LeaseResource): void {
    if (lease === undefined) return;
    const record = this.#record(namespace, lease);
    if (record.resources.some((known) => isSame(known, resource))) return;
    const resources = [...record.resources, resource];
    this.#metadata.leases.put(namespace, lease, { ...record, resources });
  }

  /** The reverse of {@link add}. */
  remove(namespace: string, lease: string | undefined, resource: LeaseResource): void {
    if (lease === undefined) return;
    const record = this.#record(namespace, lease);
    const resources = record.resources.filter((known) => !isSame(known, resource));
    this.#metadata.leases.put(namespace, lease, { ...record, resources });
  }

  #record(namespace: string, id: string): LeaseRecord {
    const record = this.#metadata.leases.get(namespace, id);
    if (!record) throw notFound(id);
    return record;
  }
}

/** The label of a lease that ends in `lifetimeMs`. */
export function expiresIn(lifetimeMs: number): Labels {
  return { [expireLabel]: new Date(Date.now() + lifetimeMs).toISOString() };
}

/** Whether a lease no longer counts. A label that is not a time never expires. */
export function isExpired(labels: Labels, nowMs = Date.now()): boolean {
  const expiry = labels[expireLabel];
  return expiry !== undefined && Date.parse(expiry) <= nowMs;
}

function leaseOf(id: string, { createdAt, labels }: LeaseRecord): Lease {
  return { id, createdAt, labels };
}

function isSame(a: LeaseResource, b: LeaseResource): boolean {
  return a.type === b.type && a.id === b.id;
}

function requireResource({ type, id }: LeaseResource): void {
  if (!/^(?:content|ingests|images|snapshots\/.+)$/.test(type)) {
    throw new StackError('unimplemented', `resource type "${type}": not implemented`);
  }
  if (id === '') throw new StackError('invalid_argument', 'a lease resource needs an id');
}

function notFound(id: string): StackError {
  return new StackError('not_found', `lease "${id}": not found`);
}
