/** What the system routes need of the daemon. */
import type { EngineEvent } from '../../daemon/event-log.ts';

export interface SystemBackend {
  version(): Promise<unknown>;
  info(): Promise<unknown>;
  /** Past events at or after `since` (nanoseconds). */
  eventsSince(since: bigint): EngineEvent[];
  /** Calls back for each event; returns how to stop. */
  onEvent(listener: (event: EngineEvent) => void): () => void;
}
