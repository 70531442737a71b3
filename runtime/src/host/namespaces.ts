/** The namespaces of a running process that are not our own. */
import fs from 'node:fs';
import type { JoinedNamespace } from '../compile/namespaces.ts';
import type { NamespaceType } from '#spec/oci/linux';

/** File names in /proc/PID/ns, in the order they are joined (mount last: it changes what paths mean). */
const files: readonly (readonly [NamespaceType, string])[] = [
  ['user', 'user'],
  ['ipc', 'ipc'],
  ['uts', 'uts'],
  ['network', 'net'],
  ['pid', 'pid'],
  ['cgroup', 'cgroup'],
  ['time', 'time'],
  ['mount', 'mnt'],
];

export function foreignNamespaces(pid: number): JoinedNamespace[] {
  return files
    .filter(([, file]) => {
      const own = `/proc/self/ns/${file}`;
      if (!fs.existsSync(own)) return false; // a kernel without this type
      return fs.readlinkSync(own) !== fs.readlinkSync(`/proc/${pid}/ns/${file}`);
    })
    .map(([type, file]) => ({
      type,
      path: `/proc/${pid}/ns/${file}`,
      property: 'linux.namespaces',
    }));
}
