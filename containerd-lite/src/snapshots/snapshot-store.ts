/**
 * Snapshots by namespace, snapshotter and key, with their kinds, parents and labels.
 *
 *   prepare ──> ACTIVE ── commit ──> COMMITTED (parent of others)
 *   view ─────> VIEW (read only)
 *
 * A record exists only while the folder on disk is complete: folders are made before it and removed after it.
 */
import { StackError } from '#spec/errors';
import { timestampNow } from '#proto/timestamp';
import type { Mount } from '#proto/generated/containerd.types';
import type { Info } from '#proto/generated/containerd.services.snapshots.v1';
import type { Leases } from '../leases/leases.ts';
import { updateOnlyLabels, validateLabels } from '../metadata/labels.ts';
import type { Labels, MetadataStore, SnapshotRecord } from '../metadata/metadata-store.ts';
import { touchNamespace } from '../namespaces/namespaces.ts';
import type { SnapshotLocation, SnapshotUsage, Snapshotter } from './snapshotter.ts';

/** Names what a snapshot will be committed as: whoever prepares it need not unpack what others have unpacked. */
const targetLabel = 'containerd.io/snapshot.ref';

export interface NewSnapshot {
  key: string;
  /** Name of a committed snapshot, or empty. */
  parent: string;
  labels: Labels;
  lease: string | undefined;
}

export class SnapshotStore {
  readonly snapshotter: Snapshotter;
  readonly #metadata: MetadataStore;
  readonly #leases: Leases;
  /** Folders that are being made and have no record yet. */
  readonly #creating = new Set<number>();

  constructor(snapshotter: Snapshotter, metadata: MetadataStore, leases: Leases) {
    this.snapshotter = snapshotter;
    this.#metadata = metadata;
    this.#leases = leases;
  }

  /** A new writable snapshot. Throws already_exists (for the label `containerd.io/snapshot.ref` too), not_found for the parent. */
  async prepare(namespace: string, snapshot: NewSnapshot): Promise<Mount[]> {
    return this.#create(namespace, 'ACTIVE', snapshot);
  }

  /** A new read-only view. Throws as {@link prepare}. */
  async view(namespace: string, snapshot: NewSnapshot): Promise<Mount[]> {
    return this.#create(namespace, 'VIEW', snapshot);
  }

  /** Mounts of an active snapshot or a view. Throws not_found, conflict for a committed one. */
  mounts(namespace: string, key: string): Mount[] {
    const record = this.#record(namespace, key);
    if (record.kind === 'COMMITTED') {
      throw new StackError('conflict', `snapshot "${key}" is committed: failed precondition`);
    }
    return this.snapshotter.mounts(this.#location(namespace, record));
  }

  /** Turns active `key` into committed `name`. `key` is gone afterwards; throws already_exists if `name` is taken. */
  async commit(
    namespace: string,
    key: string,
    { name, labels, lease }: { name: string; labels: Labels; lease: string | undefined },
  ): Promise<void> {
    requireKey(name);
    validateLabels(labels);
    const location = this.#location(namespace, this.#active(namespace, key));
    const usage = await this.snapshotter.usage(location);
    this.#metadata.change(() => {
      const record = this.#active(namespace, key);
      this.#requireFree(namespace, name);
      this.#leases.add(namespace, lease, { type: this.#resourceType, id: name });
      this.#leases.remove(namespace, lease, { type: this.#resourceType, id: key });
      const now = timestampNow();
      this.#metadata.snapshots.delete(namespace, this.#name(key));
      this.#metadata.snapshots.put(namespace, this.#name(name), {
        ...record,
        kind: 'COMMITTED',
        createdAt: now,
        updatedAt: now,
        labels,
        usage,
      });
    });
  }

  /** Throws not_found, conflict while other snapshots stand on it. The folder goes with {@link cleanup}. */
  remove(namespace: string, key: string): void {
    this.#metadata.change(() => {
      this.#record(namespace, key);
      const child = this.#metadata.snapshots
        .list(namespace, this.#name(''))
        .find(({ value }) => value.parent === key);
      if (child) {
        throw new StackError('conflict', 'cannot remove snapshot with child: failed precondition');
      }
      this.#metadata.snapshots.delete(namespace, this.#name(key));
    });
  }

  has(namespace: string, key: string): boolean {
    return this.#metadata.snapshots.get(namespace, this.#name(key)) !== undefined;
  }

  /** Throws not_found. */
  stat(namespace: string, key: string): Info {
    return infoOf(key, this.#record(namespace, key));
  }

  update(namespace: string, key: string, labels: Labels, paths: readonly string[]): Info {
    return this.#metadata.change(() => {
      const record = this.#record(namespace, key);
      const updated = {
        ...record,
        labels: updateOnlyLabels(record.labels, labels, paths, 'snapshot'),
        updatedAt: timestampNow(),
      };
      this.#metadata.snapshots.put(namespace, this.#name(key), updated);
      return infoOf(key, updated);
    });
  }

  list(namespace: string): Info[] {
    const prefix = this.#name('');
    return this.#metadata.snapshots
      .list(namespace, prefix)
      .map(({ name, value }) => infoOf(name.slice(prefix.length), value));
  }

  /** Throws not_found. */
  async usage(namespace: string, key: string): Promise<SnapshotUsage> {
    const record = this.#record(namespace, key);
    return record.usage ?? this.snapshotter.usage(this.#location(namespace, record));
  }

  /** Removes folders that no record names: of removed snapshots, and of those whose creation a crash interrupted. */
  async cleanup(): Promise<void> {
    const ids = await this.snapshotter.ids();
    const known = this.#knownIds();
    const garbage = ids.filter((id) => !this.#creating.has(id) && !known.has(id));
    // An id is given once: what is garbage now stays garbage.
    for (const id of garbage) await this.snapshotter.remove(id);
  }

  async #create(
    namespace: string,
    kind: 'ACTIVE' | 'VIEW',
    { key, parent, labels, lease }: NewSnapshot,
  ): Promise<Mount[]> {
    requireKey(key);
    validateLabels(labels);
    this.#requireMissing(namespace, key, labels);
    const parentIds = this.#chain(namespace, parent);
    const id = this.#metadata.change(() =>
      this.#metadata.next(`snapshot/${this.snapshotter.name}`),
    );
    const location: SnapshotLocation = { id, parentIds, readOnly: kind === 'VIEW' };
    this.#creating.add(id);
    try {
      await this.#metadata.settled(); // the id is not given again, whatever happens
      await this.snapshotter.create(location);
      this.#metadata.change(() => {
        this.#requireMissing(namespace, key, labels);
        this.#chain(namespace, parent); // still there
        touchNamespace(this.#metadata, namespace);
        this.#leases.add(namespace, lease, { type: this.#resourceType, id: key });
        const now = timestampNow();
        this.#metadata.snapshots.put(namespace, this.#name(key), {
          id,
          kind,
          parent,
          createdAt: now,
          updatedAt: now,
          labels,
        });
      });
    } catch (error) {
      await this.snapshotter.remove(id);
      throw error;
    } finally {
      this.#creating.delete(id);
    }
    return this.snapshotter.mounts(location);
  }

  /** Ids from `parent` down to the one that has none. Throws not_found, invalid_argument where one is not committed. */
  #chain(namespace: string, parent: string): number[] {
    const ids: number[] = [];
    for (let name = parent; name !== '';) {
      const record = this.#metadata.snapshots.get(namespace, this.#name(name));
      if (!record) {
        throw new StackError('not_found', `parent snapshot ${name} does not exist: not found`);
      }
      if (record.kind !== 'COMMITTED') {
        throw new StackError(
          'invalid_argument',
          `failed to create snapshot: parent "${name}" is not committed snapshot: invalid argument`,
        );
      }
      ids.push(record.id);
      name = record.parent;
    }
    return ids;
  }

  #location(namespace: string, { id, kind, parent }: SnapshotRecord): SnapshotLocation {
    return { id, parentIds: this.#chain(namespace, parent), readOnly: kind === 'VIEW' };
  }

  #active(namespace: string, key: string): SnapshotRecord {
    const record = this.#record(namespace, key);
    if (record.kind !== 'ACTIVE') {
      throw new StackError('conflict', `snapshot "${key}" is not active: failed precondition`);
    }
    return record;
  }

  #record(namespace: string, key: string): SnapshotRecord {
    const record = this.#metadata.snapshots.get(namespace, this.#name(key));
    if (!record) throw new StackError('not_found', `snapshot ${key} does not exist: not found`);
    return record;
  }

  /** Throws already_exists, also where the committed snapshot that this one is to become is there. */
  #requireMissing(namespace: string, key: string, labels: Labels): void {
    const target = labels[targetLabel] ?? '';
    if (target !== '' && this.has(namespace, target)) {
      throw new StackError('already_exists', `target snapshot "${target}": already exists`);
    }
    this.#requireFree(namespace, key);
  }

  #requireFree(namespace: string, key: string): void {
    if (this.#metadata.snapshots.get(namespace, this.#name(key))) {
      throw new StackError('already_exists', `snapshot "${key}": already exists`);
    }
  }

  #knownIds(): ReadonlySet<number> {
    const entries = this.#metadata.snapshots.listAll();
    const own = entries.filter(({ name }) => name.startsWith(this.#name('')));
    return new Set(own.map(({ value }) => value.id));
  }

  #name(key: string): string {
    return `${this.snapshotter.name}/${key}`;
  }

  get #resourceType(): string {
    return `snapshots/${this.snapshotter.name}`;
  }
}

function requireKey(key: string): void {
  if (key === '') throw new StackError('invalid_argument', 'a snapshot needs a key');
}

function infoOf(
  name: string,
  { kind, parent, createdAt, updatedAt, labels }: SnapshotRecord,
): Info {
  return { name, parent, kind, createdAt, updatedAt, labels };
}
