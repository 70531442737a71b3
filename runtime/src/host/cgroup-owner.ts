/** Whose a container's cgroup is to be (runtime-spec, config-linux.md, "Cgroup ownership"). */
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { MOUNT_ATTR_RDONLY } from '../compile/kernel-constants.ts';
import { parseMountOptions } from '../compile/mount-options.ts';

/**
 * The host's id of the container's user, if the container can do something with a cgroup of its own: it has a new
 * cgroup namespace and a writable cgroup mount. Undefined also for an id that is not mapped.
 */
export function cgroupOwner({
  process,
  linux,
  mounts = [],
}: Pick<RuntimeConfig, 'process' | 'linux' | 'mounts'>): number | undefined {
  const { namespaces = [], uidMappings = [] } = linux ?? {};
  const hasOwnView = namespaces.some(({ type, path }) => type === 'cgroup' && !path);
  const mount = mounts.find(({ type }) => type === 'cgroup');
  const isWritable =
    mount && (parseMountOptions(mount.options ?? []).attributes.set & MOUNT_ATTR_RDONLY) === 0;
  if (!hasOwnView || !isWritable) return undefined;
  const { uid } = process.user;
  if (!namespaces.some(({ type }) => type === 'user')) return uid;
  const row = uidMappings.find(
    ({ containerID, size }) => containerID <= uid && uid < containerID + size,
  );
  return row && row.hostID + uid - row.containerID;
}
