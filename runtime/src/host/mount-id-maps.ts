/** User namespaces that hold the id mappings of mounts (mount_setattr(2), MOUNT_ATTR_IDMAP). */
import fs from 'node:fs';
import { failureError } from '#lib/loader/failure';
import { readFailure, startLoader } from '#lib/loader/spawn-loader';
import { waitPid } from '#lib/sys/posix-spawn';
import { StackError } from '#spec/errors';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { idMapDescriptor, planMount, type PlannedMount } from '../compile/mount-plan.ts';
import { compileUserNamespace } from '../compile/user-namespace-program.ts';
import { HandshakePartner } from './handshake-partner.ts';
import { writeIdMaps, type IdMaps } from './id-maps.ts';

/** One namespace for each mount that needs one; the descriptors by the names that the program gave them. */
export function makeMountIdMaps(config: RuntimeConfig): Record<string, number> {
  const descriptors: Record<string, number> = {};
  (config.mounts ?? []).forEach((written, index) => {
    const mount = planMount(written, `mounts[${index}]`);
    if (mount.idMap) descriptors[idMapDescriptor(mount)] = openNamespace(mapsOf(mount, config));
  });
  return descriptors;
}

function mapsOf({ property, idMap }: PlannedMount, { linux = {} }: RuntimeConfig): IdMaps {
  const { uidMappings = linux.uidMappings, gidMappings = linux.gidMappings } = idMap ?? {};
  if (!uidMappings?.length || !gidMappings?.length) {
    throw new StackError(
      'invalid_argument',
      `${property}.uidMappings: an id-mapped mount needs mappings, its own or those of the container`,
    );
  }
  return { uidMappings, gidMappings };
}

/** A descriptor of a new user namespace with these maps; it lives as long as something refers to it. */
function openNamespace(maps: IdMaps): number {
  const partner = new HandshakePartner();
  const program = compileUserNamespace();
  const loader = startLoader(program, { descriptors: partner.descriptors, argv0: 'runtime' });
  partner.releaseTheirs();
  try {
    if (partner.receive()?.tag === 'userNamespace') {
      writeIdMaps(loader.pid, maps);
      return fs.openSync(`/proc/${loader.pid}/ns/user`, 'r');
    }
    const failure = readFailure(program, loader);
    throw failure
      ? failureError(program, failure)
      : new StackError('internal', 'the loader was killed');
  } finally {
    partner.close(); // which ends the loader
    waitPid(loader.pid);
  }
}
