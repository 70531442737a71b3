/** A unit of systemd around the start of a container. What talks to systemd is loaded only then. */
import type { Resources } from '#spec/oci/resources';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { Placeholder } from './placeholder.ts';
import type { PlannedUnit } from './systemd-unit.ts';

export interface StartedUnit {
  /** To be called when the container's process is in the cgroup, or there will be none; again is no harm. */
  release(): void;
  stop(): Promise<void>;
}

export async function planUnit(config: RuntimeConfig, id: string): Promise<PlannedUnit> {
  return (await import('./systemd-unit.ts')).planUnit(config, id);
}

/** The unit runs until it is stopped or its last process has ended. */
export async function startUnit(unit: PlannedUnit, resources: Resources): Promise<StartedUnit> {
  const systemd = await import('./systemd-unit.ts');
  const placeholder = new Placeholder();
  try {
    await systemd.startUnit(unit, placeholder.pid, resources);
  } catch (error) {
    placeholder.end();
    throw error;
  }
  let held = true;
  return {
    release() {
      if (held) placeholder.end();
      held = false;
    },
    stop: () => systemd.stopUnit(unit.record),
  };
}
