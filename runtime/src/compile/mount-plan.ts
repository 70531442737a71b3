/** What `mounts` of config.json asks for, read and checked; mounts.ts turns it into calls. */
import { StackError } from '#spec/errors';
import type { IdMapping, Mount } from '#spec/oci/mount';
import type { CompileInput } from './input.ts';
import { MOUNT_ATTR_RDONLY } from './kernel-constants.ts';
import { parseMountOptions, type MountOptions } from './mount-options.ts';
import { componentsOf } from './paths.ts';

/** One entry of `mounts`, read. */
export interface PlannedMount {
  readonly property: string;
  readonly type: string;
  readonly source: string | undefined;
  /** Absolute, normalised. */
  readonly destination: string;
  readonly options: MountOptions;
  /** For an id-mapped mount; without mappings of its own those of the container's user namespace. */
  readonly idMap?: MountIdMap;
}

export interface MountIdMap {
  readonly uidMappings: readonly IdMapping[] | undefined;
  readonly gidMappings: readonly IdMapping[] | undefined;
  /** `ridmap`: also what is mounted below. */
  readonly recursive: boolean;
}

/** Name of the prepared descriptor of a user namespace with the mappings of a mount. */
export function idMapDescriptor({ property, destination }: PlannedMount): string {
  return `id mappings of ${destination} for ${property}`;
}

/** Name of the prepared descriptor with a tmpfs that the runtime has filled from the image (`tmpcopyup`). */
export function copyUpDescriptor({ property, destination }: PlannedMount): string {
  return `copy of ${destination} for ${property}`;
}

/** Reads `mounts`; refuses what the runtime cannot do yet and what would undermine /proc. */
export function planMounts({ config }: Pick<CompileInput, 'config'>): PlannedMount[] {
  return (config.mounts ?? []).map((mount, index) => planMount(mount, `mounts[${index}]`));
}

/** By its options, as runtime-spec has it, or, as with crun, by its type alone. */
export function isBindMount({ type, options = [] }: Mount): boolean {
  return type === 'bind' || parseMountOptions(options).bind;
}

export function planMount(mount: Mount, property: string): PlannedMount {
  const options = parseMountOptions(mount.options ?? []);
  const isBind = isBindMount(mount);
  const destination = `/${componentsOf(mount.destination).join('/')}`;
  const type = isBind ? 'bind' : (mount.type ?? '');
  if (!isBind && !options.remount && (type === '' || type === 'none')) {
    throw new StackError('invalid_argument', `${property}.type: names no file system`);
  }
  if (options.copyUp && type !== 'tmpfs') {
    throw new StackError('invalid_argument', `${property}.options: "tmpcopyup" is for tmpfs`);
  }
  if (isBind && !mount.source) {
    throw new StackError('invalid_argument', `${property}.source: a bind mount needs one`);
  }
  const { uidMappings, gidMappings } = mount;
  const mapped = options.idMap !== undefined || uidMappings !== undefined;
  if (mapped && !isBind) {
    throw new StackError('invalid_argument', `${property}: only bind mounts can have id mappings`);
  }
  refuseInsideProc(destination, type, mount.source, property);
  return {
    property,
    type,
    source: mount.source,
    destination,
    options,
    ...(mapped && { idMap: { uidMappings, gidMappings, recursive: options.idMap === 'ridmap' } }),
  };
}

/** Files below /proc that may be covered by a bind mount (lxcfs), as runc allows them. */
export const procFiles: ReadonlySet<string> = new Set([
  '/proc/cpuinfo',
  '/proc/diskstats',
  '/proc/meminfo',
  '/proc/stat',
  '/proc/swaps',
  '/proc/uptime',
  '/proc/loadavg',
  '/proc/slabinfo',
  '/proc/net/dev',
  '/proc/sys/kernel/ns_last_pid',
  '/proc/sys/crypto/fips_enabled',
]);

/** What lies over /proc decides where security labels and sysctls are written (CVE-2019-19921). */
function refuseInsideProc(
  destination: string,
  type: string,
  source: string | undefined,
  property: string,
): void {
  if (destination === '/proc') {
    if (type === 'proc' || (type === 'bind' && source === '/proc')) return;
  } else if (!destination.startsWith('/proc/') || procFiles.has(destination)) return;
  throw new StackError(
    'invalid_argument',
    `${property}.destination: "${destination}" cannot be mounted because it is inside /proc`,
  );
}

/** A read-only /dev becomes read-only after its nodes and links are there. */
export function isLateReadonly({ destination, type, options }: PlannedMount): boolean {
  return (
    destination === '/dev' && type === 'tmpfs' && (options.attributes.set & MOUNT_ATTR_RDONLY) !== 0
  );
}
