/**
 * Mark and sweep over content, snapshots and ingests by containerd's labels. Marking and forgetting is one
 * transaction, so nothing can come to refer to what is being forgotten; files go afterwards.
 */
import type { Logger } from '#lib/log/logger';
import type { ContentStore } from '../content/content-store.ts';
import { isExpired } from '../leases/leases.ts';
import type { Labels, MetadataStore } from '../metadata/metadata-store.ts';
import type { SnapshotStore } from '../snapshots/snapshot-store.ts';
import { markReferenced } from './mark.ts';

/** Collects when nothing was deleted for this time: clients that delete are busy. */
const quietMs = 500;
/** … but after this time in any case. */
const longestMs = 10_000;
const defaultExpiryCheckMs = 30_000;

export interface GarbageCollectorParts {
  metadata: MetadataStore;
  content: ContentStore;
  snapshots: readonly SnapshotStore[];
  log: Logger;
  /** How often is looked for leases, ingests and images that have expired without anybody calling. */
  expiryCheckMs?: number;
}

export class GarbageCollector {
  readonly #parts: GarbageCollectorParts;
  #timer: NodeJS.Timeout | undefined;
  /** When the collection that is due was first asked for; as performance.now(). */
  #dueSinceMs = 0;
  readonly #interval: NodeJS.Timeout;
  #running: Promise<void> = Promise.resolve();
  /** What had expired by then is gone, or is kept by something else. */
  #collectedMs = 0;

  constructor(parts: GarbageCollectorParts) {
    this.#parts = parts;
    this.#interval = setInterval(() => {
      if (!this.#timer && this.#hasExpiredSince(this.#collectedMs)) this.schedule();
    }, parts.expiryCheckMs ?? defaultExpiryCheckMs);
    this.#interval.unref();
  }

  /** Something may have become garbage: collects soon. */
  schedule(): void {
    if (this.#timer) {
      if (performance.now() - this.#dueSinceMs < longestMs) this.#timer.refresh();
      return;
    }
    this.#dueSinceMs = performance.now();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.collect().catch((error: unknown) =>
        this.#parts.log.error('garbage collection failed', { error }),
      );
    }, quietMs);
  }

  /** Collects now; resolves when what was garbage at the time of the call is gone, files included. */
  async collect(): Promise<void> {
    clearTimeout(this.#timer); // what was to be collected soon is, with this
    this.#timer = undefined;
    const run = this.#running.then(async () => this.#collect());
    this.#running = run.catch(() => undefined); // the caller hears of it, the next run does not
    return run;
  }

  /** Waits for a collection under way and starts no other. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    clearInterval(this.#interval);
    await this.#running;
  }

  async #collect(): Promise<void> {
    const { metadata, content, snapshots, log } = this.#parts;
    const startMs = performance.now();
    this.#collectedMs = Date.now();
    const forgotten = this.#forgetUnreferenced();
    await metadata.settled(); // no record may come back whose file is gone
    await content.removeUnknownFiles();
    for (const store of snapshots) await store.cleanup();
    log.debug('garbage collected', { forgotten, durationMs: performance.now() - startMs });
  }

  #hasExpiredSince(sinceMs: number): boolean {
    const { leases, images, ingests } = this.#parts.metadata;
    const nowMs = Date.now();
    const isDue = (labels: Labels) => isExpired(labels, nowMs) && !isExpired(labels, sinceMs);
    return (
      [...leases.listAll(), ...images.listAll()].some(({ value }) => isDue(value.labels)) ||
      ingests
        .listAll()
        .some(({ value: { expiresAtMs = 0 } }) => expiresAtMs > sinceMs && expiresAtMs <= nowMs)
    );
  }

  /** Returns how many records were removed. */
  #forgetUnreferenced(): number {
    const { metadata } = this.#parts;
    const nowMs = Date.now();
    return metadata.change(() => {
      let count = 0;
      for (const { namespace } of metadata.namespaces.listAll()) {
        for (const { name, value } of metadata.leases.list(namespace)) {
          if (isExpired(value.labels, nowMs)) {
            metadata.leases.delete(namespace, name);
            count++;
          }
        }
        const kept = markReferenced(metadata, namespace, nowMs);
        for (const { name, value } of metadata.images.list(namespace)) {
          if (isExpired(value.labels, nowMs) && !kept.has(`image ${name}`)) {
            metadata.images.delete(namespace, name);
            count++;
          }
        }
        for (const { name } of metadata.content.list(namespace)) {
          if (!kept.has(`content ${name}`)) {
            metadata.content.delete(namespace, name);
            count++;
          }
        }
        for (const { name } of metadata.snapshots.list(namespace)) {
          if (!kept.has(`snapshot ${name}`)) {
            metadata.snapshots.delete(namespace, name);
            count++;
          }
        }
        for (const { name } of metadata.ingests.list(namespace)) {
          if (!kept.has(`ingest ${name}`) && !this.#parts.content.isOpen(namespace, name)) {
            metadata.ingests.delete(namespace, name);
            count++;
          }
        }
      }
      return count;
    });
  }
}
