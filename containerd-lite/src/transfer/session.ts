/** What transfers work with, and what one of them knows. */
import type { Exchange } from '../events/exchange.ts';
import type { ContentStore } from '../content/content-store.ts';
import type { GarbageCollector } from '../gc/garbage-collector.ts';
import type { Images } from '../images/images.ts';
import type { Leases } from '../leases/leases.ts';
import type { SnapshotStore } from '../snapshots/snapshot-store.ts';
import type { Streams } from '../streaming/streams.ts';
import type { FileWorker } from '../worker/file-worker.ts';
import type { TransferProgress } from './progress.ts';

export interface TransferParts {
  content: ContentStore;
  images: Images;
  /** The first is the default. */
  snapshots: readonly SnapshotStore[];
  leases: Leases;
  gc: GarbageCollector;
  exchange: Exchange;
  streams: Streams;
  /** Settings for registries (`<registry>/hosts.toml`), for clients that name none. */
  hostsFolder?: string;
  /** For unpacking, which may wait for a registry: not shared with anybody who must not. */
  worker: FileWorker;
}

/** One call of Transfer. */
export interface Session {
  namespace: string;
  /** Keeps what is stored until a name does. */
  lease: string;
  /** The caller has gone. */
  signal: AbortSignal;
  progress: TransferProgress;
}
