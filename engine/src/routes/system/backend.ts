/** What the system routes need of the daemon. */
import type { DiskUsageType } from '../../daemon/disk-usage.ts';
import type { EngineEvent } from '../../daemon/event-log.ts';
import type { ApiVersion } from '../../http/api-version.ts';

export interface SystemBackend {
  version(): Promise<unknown>;
  info(version: ApiVersion): Promise<unknown>;
  diskUsage(wanted: ReadonlySet<DiskUsageType>, version: ApiVersion): Promise<object>;
  /** Events from `since` to `until` (nanoseconds; undefined is now, and for ever), several at once. */
  events(
    since: bigint | undefined,
    until: bigint | undefined,
    signal: AbortSignal,
  ): AsyncIterable<EngineEvent[]>;
}
