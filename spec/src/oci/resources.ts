/** `linux.resources` of config.json: cgroup limits (runtime-spec config-linux.md, "Control groups"). */
import {
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
  uint16,
  uint32,
  uint64,
  type Decoder,
} from '../json-decoder.ts';

/** One rule; later rules win over earlier ones. Absent or -1 major and minor mean all. */
export interface DeviceRule {
  allow: boolean;
  /** `a` (absent: the same) is all devices, `c` and `u` character, `b` block. */
  type?: 'a' | 'b' | 'c' | 'u';
  major?: number;
  minor?: number;
  /** Of the letters r, w and m; absent means all three. */
  access?: string;
}

/** Bytes; -1 is no limit. */
export interface MemoryResources {
  limit?: number;
  reservation?: number;
  /** Memory plus swap. */
  swap?: number;
  kernel?: number;
  kernelTCP?: number;
  swappiness?: number;
  disableOOMKiller?: boolean;
  useHierarchy?: boolean;
  checkBeforeUpdate?: boolean;
}

/** Times in microseconds. */
export interface CpuResources {
  shares?: number;
  /** Per period; -1 is no limit. */
  quota?: number;
  burst?: number;
  period?: number;
  realtimeRuntime?: number;
  realtimePeriod?: number;
  /** `0-3,7` */
  cpus?: string;
  mems?: string;
  /** 1 makes the whole group SCHED_IDLE. */
  idle?: number;
}

export interface BlockWeightDevice {
  major: number;
  minor: number;
  weight?: number;
  leafWeight?: number;
}

/** `rate` in bytes or operations per second. */
export interface BlockThrottleDevice {
  major: number;
  minor: number;
  rate: number;
}

export interface BlockIoResources {
  weight?: number;
  leafWeight?: number;
  weightDevice?: BlockWeightDevice[];
  throttleReadBpsDevice?: BlockThrottleDevice[];
  throttleWriteBpsDevice?: BlockThrottleDevice[];
  throttleReadIOPSDevice?: BlockThrottleDevice[];
  throttleWriteIOPSDevice?: BlockThrottleDevice[];
}

export interface HugepageLimit {
  /** As in the names of the kernel's files: `2MB`, `1GB`. */
  pageSize: string;
  limit: number;
}

/** cgroup v1 only. */
export interface NetworkResources {
  classID?: number;
  priorities?: { name: string; priority: number }[];
}

export interface RdmaLimit {
  hcaHandles?: number;
  hcaObjects?: number;
}

export interface Resources {
  devices?: DeviceRule[];
  memory?: MemoryResources;
  cpu?: CpuResources;
  pids?: { limit: number };
  blockIO?: BlockIoResources;
  hugepageLimits?: HugepageLimit[];
  network?: NetworkResources;
  rdma?: Record<string, RdmaLimit>;
  /** cgroup v2: file name to content. */
  unified?: Record<string, string>;
}

const deviceRule = refine(
  object<DeviceRule>({
    allow: boolean,
    type: optional(oneOf(['a', 'b', 'c', 'u'])),
    major: optional(int64),
    minor: optional(int64),
    access: optional(string),
  }),
  ({ access = '', major = -1, minor = -1 }, path) => {
    if (!/^[rwm]*$/.test(access)) {
      reject(`${path}.access`, `"${access}" has letters other than r, w and m`);
    }
    for (const [name, number] of Object.entries({ major, minor })) {
      if (number < -1 || number > 0xffff_ffff)
        reject(`${path}.${name}`, `${number} is out of range`);
    }
  },
);

const memory = object<MemoryResources>({
  limit: optional(int64),
  reservation: optional(int64),
  swap: optional(int64),
  kernel: optional(int64),
  kernelTCP: optional(int64),
  swappiness: optional(uint64),
  disableOOMKiller: optional(boolean),
  useHierarchy: optional(boolean),
  checkBeforeUpdate: optional(boolean),
});

const cpu = object<CpuResources>({
  shares: optional(uint64),
  quota: optional(int64),
  burst: optional(uint64),
  period: optional(uint64),
  realtimeRuntime: optional(int64),
  realtimePeriod: optional(uint64),
  cpus: optional(cString),
  mems: optional(cString),
  idle: optional(integer(0, 1)),
});

const throttle = optional(
  array(object<BlockThrottleDevice>({ major: uint32, minor: uint32, rate: uint64 })),
);

const blockIO = object<BlockIoResources>({
  weight: optional(uint16),
  leafWeight: optional(uint16),
  weightDevice: optional(
    array(
      object<BlockWeightDevice>({
        major: uint32,
        minor: uint32,
        weight: optional(uint16),
        leafWeight: optional(uint16),
      }),
    ),
  ),
  throttleReadBpsDevice: throttle,
  throttleWriteBpsDevice: throttle,
  throttleReadIOPSDevice: throttle,
  throttleWriteIOPSDevice: throttle,
});

const unified = refine(record(cString), (files, path) => {
  for (const name of Object.keys(files)) {
    if (name === '' || name.includes('/') || name === '..' || name === '.') {
      reject(path, `"${name}" is not the name of a cgroup file`);
    }
  }
});

export const decodeResources: Decoder<Resources> = object<Resources>({
  devices: optional(array(deviceRule)),
  memory: optional(memory),
  cpu: optional(cpu),
  // Go writes an empty object for a limit that nobody set.
  pids: optional((value, path) => ({
    limit: object<{ limit?: number }>({ limit: optional(int64) })(value, path).limit ?? 0,
  })),
  blockIO: optional(blockIO),
  hugepageLimits: optional(array(object<HugepageLimit>({ pageSize: cString, limit: uint64 }))),
  network: optional(
    object<NetworkResources>({
      classID: optional(uint32),
      priorities: optional(
        array(object<{ name: string; priority: number }>({ name: cString, priority: uint32 })),
      ),
    }),
  ),
  rdma: optional(
    record(object<RdmaLimit>({ hcaHandles: optional(uint32), hcaObjects: optional(uint32) })),
  ),
  unified: optional(unified),
});

/** The Resources of a JSON document of its own (`runtime update --resources`). */
export function parseResources(json: unknown): Resources {
  return decodeResources(json, 'resources');
}
