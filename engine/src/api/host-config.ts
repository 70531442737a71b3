/** What a container asks of its host: `HostConfig` of the API, the fields that are honoured. */
import {
  array,
  boolean,
  cString,
  int64,
  integer,
  nonEmptyString,
  optional,
  record,
  reject,
  string,
  uint64,
  type Decoder,
} from '#spec/json-decoder';
import { goObject, stringSlice } from './go-json.ts';
import type { PortBinding, PortBindings } from '../network/ports/port-requests.ts';
import { decodeMountRequest, type MountRequest } from './mount-request.ts';
import { refuseUnsupportedFields } from './unsupported-host-config.ts';

export interface Ulimit {
  /** `nofile`, without RLIMIT_. */
  Name: string;
  /** -1 is no limit. */
  Soft: number;
  Hard: number;
}

/** A share of a block device's time. */
export interface WeightDevice {
  Path: string;
  Weight: number;
}

/** Bytes or operations a second. */
export interface ThrottleDevice {
  Path: string;
  Rate: number;
}

export interface DeviceMapping {
  PathOnHost: string;
  PathInContainer: string;
  /** Some of `rwm`. */
  CgroupPermissions: string;
}

const restartPolicyNames = ['no', 'always', 'on-failure', 'unless-stopped'] as const;
export type RestartPolicyName = (typeof restartPolicyNames)[number];

export interface RestartPolicy {
  Name: RestartPolicyName;
  MaximumRetryCount: number;
}

/** Sizes in bytes, CPU times in microseconds, as in the API. Null and 0 mean: not set. */
export interface HostConfig {
  Binds: string[] | null;
  LogConfig: { Type: string; Config: Record<string, string> };
  NetworkMode: string;
  PortBindings: PortBindings;
  PublishAllPorts: boolean;
  RestartPolicy: RestartPolicy;
  AutoRemove: boolean;
  /** Driver of volumes that are named in Binds; empty is local. */
  VolumeDriver: string;
  /** `CONTAINER[:ro|rw]`: containers whose mounts this one shares. */
  VolumesFrom: string[] | null;
  Mounts?: MountRequest[];
  ConsoleSize: [height: number, width: number];
  Annotations?: Record<string, string>;
  CapAdd: string[] | null;
  CapDrop: string[] | null;
  CgroupnsMode: string;
  Dns: string[];
  DnsOptions: string[];
  DnsSearch: string[];
  ExtraHosts: string[] | null;
  GroupAdd: string[] | null;
  IpcMode: string;
  OomScoreAdj: number;
  PidMode: string;
  Privileged: boolean;
  ReadonlyRootfs: boolean;
  SecurityOpt: string[] | null;
  Tmpfs?: Record<string, string>;
  UTSMode: string;
  ShmSize: number;
  Sysctls?: Record<string, string>;
  Runtime: string;
  /** 10 to 1000. */
  BlkioWeight: number;
  BlkioWeightDevice: WeightDevice[];
  BlkioDeviceReadBps: ThrottleDevice[];
  BlkioDeviceWriteBps: ThrottleDevice[];
  BlkioDeviceReadIOps: ThrottleDevice[];
  BlkioDeviceWriteIOps: ThrottleDevice[];
  CpuShares: number;
  Memory: number;
  NanoCpus: number;
  CgroupParent: string;
  CpuPeriod: number;
  CpuQuota: number;
  CpusetCpus: string;
  CpusetMems: string;
  Devices: DeviceMapping[];
  DeviceCgroupRules: string[] | null;
  MemoryReservation: number;
  MemorySwap: number;
  MemorySwappiness: number | null;
  OomKillDisable: boolean;
  PidsLimit: number | null;
  Ulimits: Ulimit[];
  MaskedPaths: string[] | null;
  ReadonlyPaths: string[] | null;
}

const strings = array(cString);
const throttles = array(goObject<ThrottleDevice>({ Path: nonEmptyString, Rate: uint64 }));

const decodePresent = goObject<Partial<HostConfig>>({
  Binds: optional(strings),
  LogConfig: optional((value, path) => ({
    Type: '',
    Config: {},
    ...goObject<{ Type?: string; Config?: Record<string, string> }>({
      Type: optional(string),
      Config: optional(record(string)),
    })(value, path),
  })),
  NetworkMode: optional(string),
  PortBindings: optional(record(decodeBindings)),
  PublishAllPorts: optional(boolean),
  RestartPolicy: optional(decodeRestartPolicy),
  AutoRemove: optional(boolean),
  VolumeDriver: optional(string),
  VolumesFrom: optional(strings),
  Mounts: optional(array(decodeMountRequest)),
  ConsoleSize: optional(decodeConsoleSize),
  Annotations: optional(record(string)),
  CapAdd: optional(stringSlice),
  CapDrop: optional(stringSlice),
  CgroupnsMode: optional(string),
  Dns: optional(strings),
  DnsOptions: optional(strings),
  DnsSearch: optional(strings),
  ExtraHosts: optional(strings),
  GroupAdd: optional(strings),
  IpcMode: optional(string),
  OomScoreAdj: optional(integer(-1000, 1000)),
  PidMode: optional(string),
  Privileged: optional(boolean),
  ReadonlyRootfs: optional(boolean),
  SecurityOpt: optional(strings),
  Tmpfs: optional(record(cString)),
  UTSMode: optional(string),
  ShmSize: optional(int64),
  Sysctls: optional(record(cString)),
  Runtime: optional(string),
  BlkioWeight: optional(integer(0, 65535)),
  BlkioWeightDevice: optional(
    array(goObject<WeightDevice>({ Path: nonEmptyString, Weight: integer(0, 65535) })),
  ),
  BlkioDeviceReadBps: optional(throttles),
  BlkioDeviceWriteBps: optional(throttles),
  BlkioDeviceReadIOps: optional(throttles),
  BlkioDeviceWriteIOps: optional(throttles),
  CpuShares: optional(int64),
  Memory: optional(int64),
  NanoCpus: optional(int64),
  CgroupParent: optional(cString),
  CpuPeriod: optional(int64),
  CpuQuota: optional(int64),
  CpusetCpus: optional(cString),
  CpusetMems: optional(cString),
  Devices: optional(array(decodeDevice)),
  DeviceCgroupRules: optional(strings),
  MemoryReservation: optional(int64),
  MemorySwap: optional(int64),
  MemorySwappiness: optional(integer(-1, 100)),
  OomKillDisable: optional(boolean),
  PidsLimit: optional(int64),
  Ulimits: optional(array(goObject<Ulimit>({ Name: string, Soft: int64, Hard: int64 }))),
  MaskedPaths: optional(strings),
  ReadonlyPaths: optional(strings),
});

/**
 * Reads a HostConfig, every absent field at its zero value. Throws invalid_argument naming the field, and
 * unimplemented for a field that is set and that this engine does not honour.
 */
export const decodeHostConfig: Decoder<HostConfig> = (value, path) => {
  const present = value === undefined || value === null ? {} : decodePresent(value, path);
  refuseUnsupportedFields(value, path);
  return {
    Binds: null,
    LogConfig: { Type: '', Config: {} },
    NetworkMode: '',
    PortBindings: {},
    PublishAllPorts: false,
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: false,
    VolumeDriver: '',
    VolumesFrom: null,
    ConsoleSize: [0, 0],
    CapAdd: null,
    CapDrop: null,
    CgroupnsMode: '',
    Dns: [],
    DnsOptions: [],
    DnsSearch: [],
    ExtraHosts: null,
    GroupAdd: null,
    IpcMode: '',
    OomScoreAdj: 0,
    PidMode: '',
    Privileged: false,
    ReadonlyRootfs: false,
    SecurityOpt: null,
    UTSMode: '',
    ShmSize: 0,
    Runtime: '',
    BlkioWeight: 0,
    BlkioWeightDevice: [],
    BlkioDeviceReadBps: [],
    BlkioDeviceWriteBps: [],
    BlkioDeviceReadIOps: [],
    BlkioDeviceWriteIOps: [],
    CpuShares: 0,
    Memory: 0,
    NanoCpus: 0,
    CgroupParent: '',
    CpuPeriod: 0,
    CpuQuota: 0,
    CpusetCpus: '',
    CpusetMems: '',
    Devices: [],
    DeviceCgroupRules: null,
    MemoryReservation: 0,
    MemorySwap: 0,
    MemorySwappiness: null,
    OomKillDisable: false,
    PidsLimit: null,
    Ulimits: [],
    MaskedPaths: null,
    ReadonlyPaths: null,
    ...present,
  };
};

// Function declarations, because the table above names them before they stand.

function decodeRestartPolicy(value: unknown, path: string): RestartPolicy {
  const { Name = '', MaximumRetryCount = 0 } = goObject<{
    Name?: string;
    MaximumRetryCount?: number;
  }>({
    Name: optional(string),
    MaximumRetryCount: optional(integer(-0x8000_0000, 0x7fff_ffff)),
  })(value, path);
  if (Name !== '' && !isRestartPolicyName(Name)) {
    return reject(
      path,
      `unknown restart policy "${Name}": use one of ${restartPolicyNames.join(', ')}`,
    );
  }
  if (MaximumRetryCount < 0) reject(path, 'maximum retry count cannot be negative');
  if (MaximumRetryCount > 0 && Name !== 'on-failure') {
    reject(path, 'maximum retry count can only be used with "on-failure"');
  }
  return { Name: Name === '' ? 'no' : Name, MaximumRetryCount };
}

function isRestartPolicyName(name: string): name is RestartPolicyName {
  return (restartPolicyNames as readonly string[]).includes(name);
}

/** A list of places on the host; null, as clients send it for none, means any place. */
function decodeBindings(value: unknown, path: string): PortBinding[] {
  const bindings =
    value === null
      ? []
      : array(
          goObject<Partial<PortBinding>>({ HostIp: optional(string), HostPort: optional(string) }),
        )(value, path);
  const anywhere = [{}];
  return (bindings.length > 0 ? bindings : anywhere).map(
    ({ HostIp = '', HostPort = '' }: Partial<PortBinding>) => ({
      HostIp,
      HostPort,
    }),
  );
}

function decodeConsoleSize(value: unknown, path: string): [number, number] {
  const [height = 0, width = 0] = array(integer(0, 65535))(value, path);
  return [height, width];
}

function decodeDevice(value: unknown, path: string): DeviceMapping {
  const { PathOnHost, PathInContainer, CgroupPermissions } = goObject<{
    PathOnHost: string;
    PathInContainer?: string;
    CgroupPermissions?: string;
  }>({
    PathOnHost: nonEmptyString,
    PathInContainer: optional(cString),
    CgroupPermissions: optional(string),
  })(value, path);
  return {
    PathOnHost,
    PathInContainer: PathInContainer ?? PathOnHost,
    CgroupPermissions: CgroupPermissions ?? 'rwm',
  };
}
