/** The unit of a container under `--systemd-cgroup`: systemd makes its cgroup and ends it. A bundle of its own. */
import path from 'node:path';
import { detectCgroups } from '#lib/cgroup/layout';
import { annotationProperties } from '#lib/systemd/annotation-properties';
import { SystemdManager, type Property } from '#lib/systemd/manager';
import { resourceProperties } from '#lib/systemd/resource-properties';
import { parseUnitName, slicePath } from '#lib/systemd/unit-name';
import type { Resources } from '#spec/oci/resources';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import type { UnitRecord } from '../container/state-store.ts';

/** A unit that does not exist yet. */
export interface PlannedUnit {
  readonly record: UnitRecord;
  /** Of its cgroup, in every hierarchy. */
  readonly cgroupPath: string;
  readonly properties: readonly Property[];
}

/**
 * Which unit `linux.cgroupsPath` (`slice:prefix:name`) means. Throws invalid_argument, and unavailable where no systemd
 * answers.
 */
export async function planUnit(
  { linux = {}, annotations }: RuntimeConfig,
  id: string,
): Promise<PlannedUnit> {
  const user = process.geteuid?.() !== 0;
  const { slice, unit, isSlice } = parseUnitName(linux.cgroupsPath, { id, user });
  const own = annotationProperties(annotations);
  const inSlice = isSlice ? slicePath(unit) : path.posix.join(slicePath(slice), unit);
  const above = user ? await withManager(user, (manager) => manager.controlGroup()) : '/';
  return {
    record: { name: unit, user },
    cgroupPath: path.posix.join(above, inSlice),
    properties: [...baseProperties(id, slice, isSlice), ...own],
  };
}

const yes = { signature: 'b', value: true } as const;
const no = { signature: 'b', value: false } as const;
const text = (value: string) => ({ signature: 's', value });

/** Accounting from the start: a process cannot join some controllers later. */
function baseProperties(id: string, slice: string, isSlice: boolean): Property[] {
  const unified = detectCgroups().version === 'v2';
  return [
    ['Description', text(`runtime container ${id}`)],
    ...(isSlice
      ? [['Wants', { signature: 'as', value: [slice] }] satisfies Property]
      : [['Slice', text(slice)] satisfies Property, ['Delegate', yes] satisfies Property]),
    ['MemoryAccounting', yes],
    ['CPUAccounting', yes],
    [unified ? 'IOAccounting' : 'BlockIOAccounting', yes],
    ['TasksAccounting', yes],
    ['DefaultDependencies', no], // or it would be stopped before what it needs, at a shutdown
  ];
}

/** Starts the unit with the process `pid` in it: no scope is without one. */
export async function startUnit(
  { record, properties }: PlannedUnit,
  pid: number,
  resources: Resources,
): Promise<void> {
  await withManager(record.user, async (manager) => {
    const limits = await limitsOf(manager, resources);
    const processes: Property[] = record.name.endsWith('.slice')
      ? []
      : [['PIDs', { signature: 'au', value: [pid] }]];
    await manager.startTransientUnit(record.name, [...properties, ...processes, ...limits]);
  });
}

/** New limits: systemd sets its own again whenever it touches the cgroup. */
export async function updateUnit(record: UnitRecord, resources: Resources): Promise<void> {
  await withManager(record.user, async (manager) =>
    manager.setUnitProperties(record.name, await limitsOf(manager, resources)),
  );
}

/** Ends the unit and whatever runs in it. One that is gone is success. */
export async function stopUnit({ name, user }: UnitRecord): Promise<void> {
  await withManager(user, (manager) => manager.stopUnit(name));
}

async function limitsOf(manager: SystemdManager, resources: Resources): Promise<Property[]> {
  const unified = detectCgroups().version === 'v2';
  return resourceProperties(resources, { version: await manager.version(), unified });
}

async function withManager<T>(
  user: boolean,
  work: (manager: SystemdManager) => Promise<T>,
): Promise<T> {
  const manager = await SystemdManager.connect({ user });
  try {
    return await work(manager);
  } finally {
    manager.close();
  }
}
