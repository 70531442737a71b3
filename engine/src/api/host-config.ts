/** What a container asks of its host: `HostConfig` of the API, the fields that are honoured. */
import {
  array,
  boolean,
  cString,
  int64,
  integer,
  optional,
  record,
  string,
  type Decoder,
} from '#spec/json-decoder';
import { goObject, stringSlice } from './go-json.ts';
import type { PortBinding, PortBindings } from '../network/ports/port-requests.ts';
import { decodeMountRequest, type MountRequest } from './mount-request.ts';
import { noResources, resourceFields, type ResourceConfig } from './resource-config.ts';
import { decodeRestartPolicy, type RestartPolicy } from './restart-policy-config.ts';
import { refuseUnsupportedFields } from './unsupported-host-config.ts';

export interface HostConfig extends ResourceConfig {
  Binds: string[] | null;
  LogConfig: { Type: string; Config: Record<string, string> };
  /** `CONTAINER[:ALIAS]`, of the default bridge; null in records, which have them by ids. */
  Links: string[] | null;
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
  /** `host` or `private`. */
  CgroupnsMode: string;
  Dns: string[];
  DnsOptions: string[];
  DnsSearch: string[];
  ExtraHosts: string[] | null;
  GroupAdd: string[] | null;
  /** `private`, `shareable`, `none`, `host` or `container:ID`. */
  IpcMode: string;
  /** Whether a process of the engine's comes first, which reaps and hands on signals. */
  Init?: boolean;
  OomScoreAdj: number;
  /** Empty for its own, `host` or `container:ID`. */
  PidMode: string;
  Privileged: boolean;
  ReadonlyRootfs: boolean;
  SecurityOpt: string[] | null;
  StorageOpt?: Record<string, string>;
  Tmpfs?: Record<string, string>;
  /** Empty for its own, or `host`. */
  UTSMode: string;
  /** Empty for what the engine does by itself, or `host`. */
  UsernsMode: string;
  /** `default`, or empty, which is the same. */
  Isolation: string;
  ShmSize: number;
  Sysctls?: Record<string, string>;
  Runtime: string;
  /** Null stands for docker's defaults until create replaces it. */
  MaskedPaths: string[] | null;
  ReadonlyPaths: string[] | null;
}

const strings = array(cString);

const decodePresent = goObject<Partial<HostConfig>>({
  ...resourceFields,
  Binds: optional(strings),
  LogConfig: optional((value, path) => ({
    Type: '',
    Config: {},
    ...goObject<{ Type?: string; Config?: Record<string, string> }>({
      Type: optional(string),
      Config: optional(record(string)),
    })(value, path),
  })),
  Links: optional(strings),
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
  Init: optional(boolean),
  OomScoreAdj: optional(integer(-1000, 1000)),
  PidMode: optional(string),
  Privileged: optional(boolean),
  ReadonlyRootfs: optional(boolean),
  SecurityOpt: optional(strings),
  StorageOpt: optional(record(string)),
  Tmpfs: optional(record(cString)),
  UTSMode: optional(string),
  UsernsMode: optional(string),
  Isolation: optional(string),
  ShmSize: optional(int64),
  Sysctls: optional(record(cString)),
  Runtime: optional(string),
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
    Links: null,
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
    UsernsMode: '',
    Isolation: '',
    ShmSize: 0,
    Runtime: '',
    MaskedPaths: null,
    ReadonlyPaths: null,
    ...noResources,
    ...present,
  };
};

// Function declarations, because the table above names them before they stand.

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
