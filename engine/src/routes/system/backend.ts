/** What the system routes need of the daemon. */
import type { DiskUsageType } from '../../daemon/disk-usage.ts';
import type { EngineEvent } from '../../daemon/event-log.ts';
import type { ApiVersion } from '../../http/api-version.ts';

export interface SystemBackend {
  version(): Promise<unknown>;
  info(version: ApiVersion): Promise<unknown>;
  diskUsage(wanted: ReadonlySet<DiskUsageType>, version: ApiVersion): Promise<object>;
  /** Past events at or after `since` (nanoseconds). */
  eventsSince(since: bigint): EngineEvent[];
  /** Calls back for each event; returns how to stop. */
  onEvent(listener: (event: EngineEvent) => void): () => void;
}
