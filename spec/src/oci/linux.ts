/** `linux` of config.json (runtime-spec config-linux.md), without resources and seccomp, which have their own files. */
import {
  absolutePath,
  array,
  boolean,
  cString,
  int64,
  integer,
  object,
  oneOf,
  optional,
  record,
  refine,
  reject,
  string,
  uint32,
  type Decoder,
} from '../json-decoder.ts';
import { decodeIdMapping, type IdMapping } from './mount.ts';
import { decodeResources, type Resources } from './resources.ts';
import { decodeSeccomp, type Seccomp } from './seccomp.ts';

export const namespaceTypes = [
  'pid',
  'network',
  'mount',
  'ipc',
  'uts',
  'user',
  'cgroup',
  'time',
] as const;
export type NamespaceType = (typeof namespaceTypes)[number];

export interface Namespace {
  type: NamespaceType;
  /** Join this one instead of making one. */
  path?: string;
}

export interface Device {
  /** `u` is `c`; `p` is a fifo. */
  type: 'b' | 'c' | 'u' | 'p';
  path: string;
  /** Absent for a fifo only. */
  major?: number;
  minor?: number;
  fileMode?: number;
  uid?: number;
  gid?: number;
}

export interface TimeOffset {
  secs?: number;
  nanosecs?: number;
}

export const rootfsPropagations = [
  'shared',
  'slave',
  'private',
  'unbindable',
  'rshared',
  'rslave',
  'rprivate',
  'runbindable',
] as const;
export type RootfsPropagation = (typeof rootfsPropagations)[number];

export interface IntelRdt {
  closID?: string;
  schemata?: string[];
  l3CacheSchema?: string;
  memBwSchema?: string;
  enableMonitoring?: boolean;
}

/** set_mempolicy(2). */
export interface MemoryPolicy {
  /** `MPOL_BIND`, … */
  mode: string;
  /** `0-1,3` */
  nodes?: string;
  /** `MPOL_F_STATIC_NODES`, … */
  flags?: string[];
}

export interface Personality {
  domain: 'LINUX' | 'LINUX32';
  flags?: string[];
}

export interface LinuxConfig {
  namespaces?: Namespace[];
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
  timeOffsets?: { monotonic?: TimeOffset; boottime?: TimeOffset };
  devices?: Device[];
  /** Network devices of the host to move in, by name. */
  netDevices?: Record<string, { name?: string }>;
  cgroupsPath?: string;
  resources?: Resources;
  intelRdt?: IntelRdt;
  memoryPolicy?: MemoryPolicy;
  sysctl?: Record<string, string>;
  seccomp?: Seccomp;
  rootfsPropagation?: RootfsPropagation;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  mountLabel?: string;
  personality?: Personality;
}

const namespaces = refine(
  array(
    object<Namespace>({
      type: oneOf(namespaceTypes),
      path: optional(cString),
    }),
  ),
  (list, path) => {
    const seen = new Set<NamespaceType>();
    for (const [index, { type, path: joined }] of list.entries()) {
      if (seen.has(type)) reject(`${path}[${index}].type`, `namespace "${type}" is given twice`);
      seen.add(type);
      if (joined && !joined.startsWith('/')) {
        reject(`${path}[${index}].path`, `"${joined}" is not an absolute path`);
      }
    }
  },
);

const device = refine(
  object<Device>({
    type: oneOf(['b', 'c', 'u', 'p']),
    path: absolutePath,
    major: optional(uint32),
    minor: optional(uint32),
    // Some writers include the file type bits of st_mode.
    fileMode: optional(integer(0, 0xffff_ffff)),
    uid: optional(uint32),
    gid: optional(uint32),
  }),
  ({ type, major, minor }, path) => {
    if (type !== 'p' && (major === undefined || minor === undefined)) {
      reject(path, `a device of type "${type}" needs major and minor`);
    }
  },
);

/** What the kernel takes as the name of a network device (dev_valid_name): up to 15 bytes. */
function checkDeviceName(name: string, path: string): void {
  if (/^[^\s/:]+$/.test(name) && name !== '.' && name !== '..' && utf8Length(name) <= 15) return;
  reject(path, `"${name}" is not a name for a network device`);
}

const utf8Length = (text: string) => new TextEncoder().encode(text).length;

/** Go writes an empty name for a device that keeps its own. */
const netDevices = refine(
  record<{ name?: string }>((value, path) => {
    const { name } = object<{ name?: string }>({ name: optional(cString) })(value, path);
    return name ? { name } : {};
  }),
  (devices, path) => {
    const taken = new Set<string>();
    for (const [host, { name = host }] of Object.entries(devices)) {
      checkDeviceName(host, path);
      checkDeviceName(name, `${path}.${host}.name`);
      if (taken.has(name)) reject(`${path}.${host}.name`, `"${name}" is given twice`);
      taken.add(name);
    }
  },
);

const offset = optional(
  object<TimeOffset>({ secs: optional(int64), nanosecs: optional(integer(0, 999_999_999)) }),
);

const intelRdt = object<IntelRdt>({
  closID: optional(cString),
  schemata: optional(array(cString)),
  l3CacheSchema: optional(cString),
  memBwSchema: optional(cString),
  enableMonitoring: optional(boolean),
});

/** Go writes an empty string for a propagation that nobody set. */
const rootfsPropagation: Decoder<RootfsPropagation> = (value, path) =>
  value === '' ? 'rprivate' : oneOf(rootfsPropagations)(value, path);

export const decodeLinux: Decoder<LinuxConfig> = object<LinuxConfig>({
  namespaces: optional(namespaces),
  uidMappings: optional(array(decodeIdMapping)),
  gidMappings: optional(array(decodeIdMapping)),
  timeOffsets: optional(
    object<{ monotonic?: TimeOffset; boottime?: TimeOffset }>({
      monotonic: offset,
      boottime: offset,
    }),
  ),
  devices: optional(array(device)),
  netDevices: optional(netDevices),
  cgroupsPath: optional(cString),
  resources: optional(decodeResources),
  intelRdt: optional(intelRdt),
  memoryPolicy: optional(
    object<MemoryPolicy>({
      mode: string,
      nodes: optional(string),
      flags: optional(array(string)),
    }),
  ),
  sysctl: optional(record(cString)),
  seccomp: optional(decodeSeccomp),
  rootfsPropagation: optional(rootfsPropagation),
  maskedPaths: optional(array(absolutePath)),
  readonlyPaths: optional(array(absolutePath)),
  mountLabel: optional(cString),
  personality: optional(
    object<Personality>({ domain: oneOf(['LINUX', 'LINUX32']), flags: optional(array(string)) }),
  ),
});
