/** Limits and devices of a container: docker's `Resources`, which stand in a HostConfig and in an update. */
import {
  array,
  boolean,
  cString,
  int64,
  integer,
  nonEmptyString,
  optional,
  string,
  uint64,
  type Fields,
} from '#spec/json-decoder';
import { goObject } from './go-json.ts';
import { decodeDevice, decodeDeviceRequest } from './device-config.ts';
import type { DeviceMapping, DeviceRequest } from './device-config.ts';

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

/** Sizes in bytes, CPU times in microseconds, as in the API. Null and 0 mean: not set. */
export interface ResourceConfig {
  CpuShares: number;
  Memory: number;
  NanoCpus: number;
  CgroupParent: string;
  /** 10 to 1000. */
  BlkioWeight: number;
  BlkioWeightDevice: WeightDevice[];
  BlkioDeviceReadBps: ThrottleDevice[];
  BlkioDeviceWriteBps: ThrottleDevice[];
  BlkioDeviceReadIOps: ThrottleDevice[];
  BlkioDeviceWriteIOps: ThrottleDevice[];
  CpuPeriod: number;
  CpuQuota: number;
  CpuRealtimePeriod: number;
  CpuRealtimeRuntime: number;
  CpusetCpus: string;
  CpusetMems: string;
  Devices: DeviceMapping[];
  DeviceCgroupRules: string[] | null;
  DeviceRequests: DeviceRequest[] | null;
  /** No kernel that this engine runs on limits it: asked for, it is answered with a warning. */
  KernelMemory?: number;
  KernelMemoryTCP?: number;
  MemoryReservation: number;
  MemorySwap: number;
  /** 0 to 100; -1, as older clients send it for "not set", becomes null. */
  MemorySwappiness: number | null;
  OomKillDisable: boolean | null;
  PidsLimit: number | null;
  Ulimits: Ulimit[];
}

const throttles = array(goObject<ThrottleDevice>({ Path: nonEmptyString, Rate: uint64 }));

export const resourceFields: Fields<Partial<ResourceConfig>> = {
  CpuShares: optional(int64),
  Memory: optional(int64),
  NanoCpus: optional(int64),
  CgroupParent: optional(cString),
  BlkioWeight: optional(integer(0, 65535)),
  BlkioWeightDevice: optional(
    array(goObject<WeightDevice>({ Path: nonEmptyString, Weight: integer(0, 65535) })),
  ),
  BlkioDeviceReadBps: optional(throttles),
  BlkioDeviceWriteBps: optional(throttles),
  BlkioDeviceReadIOps: optional(throttles),
  BlkioDeviceWriteIOps: optional(throttles),
  CpuPeriod: optional(int64),
  CpuQuota: optional(int64),
  CpuRealtimePeriod: optional(int64),
  CpuRealtimeRuntime: optional(int64),
  CpusetCpus: optional(cString),
  CpusetMems: optional(cString),
  Devices: optional(array(decodeDevice)),
  DeviceCgroupRules: optional(array(cString)),
  DeviceRequests: optional(array(decodeDeviceRequest)),
  KernelMemory: optional(int64),
  KernelMemoryTCP: optional(int64),
  MemoryReservation: optional(int64),
  MemorySwap: optional(int64),
  MemorySwappiness: optional(int64),
  OomKillDisable: optional(boolean),
  PidsLimit: optional(int64),
  Ulimits: optional(array(goObject<Ulimit>({ Name: string, Soft: int64, Hard: int64 }))),
};

/** Nothing is limited. */
export const noResources: Readonly<ResourceConfig> = {
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: '',
  BlkioWeight: 0,
  BlkioWeightDevice: [],
  BlkioDeviceReadBps: [],
  BlkioDeviceWriteBps: [],
  BlkioDeviceReadIOps: [],
  BlkioDeviceWriteIOps: [],
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: '',
  CpusetMems: '',
  Devices: [],
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: null,
  PidsLimit: null,
  Ulimits: [],
};
