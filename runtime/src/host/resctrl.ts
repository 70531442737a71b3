/** `linux.intelRdt` around the start of a container. What it takes is loaded only where it is asked for. */
import type { ResctrlGroup } from '#lib/resctrl/resctrl';
import type { RuntimeConfig } from '#spec/oci/runtime-config';

export interface PreparedResctrl {
  readonly group: ResctrlGroup;
  /** Before the process `pid` executes anything of the container's. */
  join(pid: number): void;
  /** Undoes what was made for this container. */
  remove(): void;
}

/** Undefined where config.json asks for none. Throws where this machine has no resctrl, or does not take the shares. */
export async function prepareResctrl(
  { linux }: RuntimeConfig,
  id: string,
): Promise<PreparedResctrl | undefined> {
  if (!linux?.intelRdt) return undefined;
  const resctrl = await import('#lib/resctrl/resctrl');
  const group = resctrl.prepareResctrl(resctrl.findResctrl(), id, linux.intelRdt);
  return {
    group,
    join: (pid) => resctrl.joinResctrl(group, pid),
    remove: () => resctrl.removeResctrl(group),
  };
}
