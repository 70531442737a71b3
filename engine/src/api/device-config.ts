/** Devices as the API asks for them: by path, or from a driver of theirs. */
import {
  array,
  cString,
  int64,
  nonEmptyString,
  optional,
  record,
  string,
} from '#spec/json-decoder';
import { goObject } from './go-json.ts';

export interface DeviceMapping {
  PathOnHost: string;
  PathInContainer: string;
  /** Some of `rwm`. */
  CgroupPermissions: string;
}

/** Devices that a driver chooses: `--gpus`, CDI. */
export interface DeviceRequest {
  Driver: string;
  /** -1 is all. */
  Count: number;
  DeviceIDs: string[] | null;
  Capabilities: string[][] | null;
  Options: Record<string, string> | null;
}

/** Throws invalid_argument naming the field. */
export function decodeDevice(value: unknown, path: string): DeviceMapping {
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

/** Throws invalid_argument naming the field. */
export function decodeDeviceRequest(value: unknown, path: string): DeviceRequest {
  return {
    Driver: '',
    Count: 0,
    DeviceIDs: null,
    Capabilities: null,
    Options: null,
    ...goObject<Partial<DeviceRequest>>({
      Driver: optional(string),
      Count: optional(int64),
      DeviceIDs: optional(array(string)),
      Capabilities: optional(array(array(string))),
      Options: optional(record(string)),
    })(value, path),
  };
}
