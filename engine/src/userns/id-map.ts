/** Ids of a user namespace and what they are outside of it, as /proc/PID/uid_map has them. */
import type { IdMapping } from '#spec/oci/mount';

/** Both maps of a user namespace. */
export interface IdMaps {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** What the kernel shows for an id that no range holds (/proc/sys/kernel/overflowuid). */
const overflowId = 65534;

/** Who `owner`, as processes in the namespace call it, is on the host. Undefined where a map has no such id. */
export function ownerOnHost({ uidMappings, gidMappings }: IdMaps, owner: Owner): Owner | undefined {
  const uid = translate(uidMappings, owner.uid, 'containerID', 'hostID');
  const gid = translate(gidMappings, owner.gid, 'containerID', 'hostID');
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/** Who `owner`, an owner on the host, is for processes in the namespace: nobody where a map has no such id. */
export function ownerInside({ uidMappings, gidMappings }: IdMaps, owner: Owner): Owner {
  return {
    uid: translate(uidMappings, owner.uid, 'hostID', 'containerID') ?? overflowId,
    gid: translate(gidMappings, owner.gid, 'hostID', 'containerID') ?? overflowId,
  };
}

/** The host's name for the namespace's root. */
export function rootOnHost(maps: IdMaps): Owner {
  const root = ownerOnHost(maps, { uid: 0, gid: 0 });
  if (!root) throw new Error('a user namespace without a root'); // remapped-user.ts makes none
  return root;
}

/** The maps that lead back. */
export function reversed({ uidMappings, gidMappings }: IdMaps): IdMaps {
  return { uidMappings: uidMappings.map(turned), gidMappings: gidMappings.map(turned) };
}

function turned({ containerID, hostID, size }: IdMapping): IdMapping {
  return { containerID: hostID, hostID: containerID, size };
}

function translate(
  mappings: readonly IdMapping[],
  id: number,
  from: 'containerID' | 'hostID',
  to: 'containerID' | 'hostID',
): number | undefined {
  const range = mappings.find(({ [from]: first, size }) => id >= first && id < first + size);
  return range && range[to] + (id - range[from]);
}
