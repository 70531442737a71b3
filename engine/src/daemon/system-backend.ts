/** The daemon behind the system routes. */
import type { LiveSettings } from '../config/live-settings.ts';
import type { SystemBackend } from '../routes/system/backend.ts';
import { measureDiskUsage } from './disk-usage.ts';
import type { Engine } from './engine.ts';
import { RuntimePrograms } from './runtime-programs.ts';
import { describeInfo } from './system-info.ts';
import { describeVersion } from './system-version.ts';

export interface SystemSettings {
  live: LiveSettings;
  /** Address of the containerd in use. */
  containerdAddress: string;
  namespace: string;
  /** From --default-address-pool, `base=…,size=…`; empty without it. */
  defaultAddressPools: readonly string[];
  /** docker's warnings about an API that anybody can reach. */
  exposed: readonly string[];
}

export function systemBackend(
  engine: Engine,
  settings: SystemSettings,
): SystemBackend & { eventListeners: () => number } {
  const { events } = engine;
  const programs = new RuntimePrograms();
  let eventListeners = 0;
  return {
    eventListeners: () => eventListeners,
    version: () => describeVersion(engine, programs),
    info: (version) => describeInfo({ engine, settings, programs, eventListeners }, version),
    diskUsage: (wanted, version) => measureDiskUsage(engine, wanted, version),
    async *events(since, until, signal) {
      eventListeners++;
      try {
        yield* events.read(since, until, signal);
      } finally {
        eventListeners--;
      }
    },
  };
}
