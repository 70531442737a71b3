/** The process of the engine's that comes first in a container with `--init`. */
import { containerInitPath } from '#lib/installation/installation';
import type { Mount } from '#spec/oci/mount';
import type { HostConfig } from '../api/host-config.ts';

/** docker's place for it. */
export const initPath = '/sbin/docker-init';

/** Whether it is asked for, and makes sense: in somebody else's process namespace it would not be the first. */
export function hasInit({ Init: init, PidMode: pidMode }: HostConfig): boolean {
  return init === true && pidMode === '';
}

export function initMount(): Mount {
  return {
    destination: initPath,
    type: 'bind',
    source: containerInitPath(),
    options: ['bind', 'ro'],
  };
}
