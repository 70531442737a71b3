/** `HostConfig.Mounts`: mounts with a field per property, as `--mount` writes them. */
import { StackError } from '#spec/errors';
import {
  absolutePath,
  array,
  anything,
  boolean,
  cString,
  int64,
  integer,
  optional,
  record,
  reject,
  string,
} from '#spec/json-decoder';
import { goObject, isZero } from './go-json.ts';

const mountTypes = ['bind', 'tmpfs', 'volume'] as const;
export type MountType = (typeof mountTypes)[number];

/** docker's mount.Mount. */
export interface MountRequest {
  Type: MountType;
  /** A path of the host, or the name of a volume. */
  Source?: string;
  Target: string;
  ReadOnly?: boolean;
  /** About file systems of other systems; without effect here. */
  Consistency?: string;
  BindOptions?: BindOptions;
  TmpfsOptions?: TmpfsOptions;
  VolumeOptions?: VolumeOptions;
}

export interface BindOptions {
  Propagation?: string;
  NonRecursive?: boolean;
  CreateMountpoint?: boolean;
  /** Read-only leaves mounts below the source as they are. */
  ReadOnlyNonRecursive?: boolean;
  /** Fail where mounts below the source cannot be made read-only. */
  ReadOnlyForceRecursive?: boolean;
}

export interface TmpfsOptions {
  SizeBytes?: number;
  Mode?: number;
  /** `[["exec"]]`: further options of the mount. */
  Options?: string[][];
}

export interface VolumeOptions {
  /** Leave a new volume empty instead of filling it from the image. */
  NoCopy?: boolean;
  Labels?: Record<string, string>;
  /** The folder or file of the volume that is mounted. */
  Subpath?: string;
  DriverConfig?: { Name?: string; Options?: Record<string, string> };
}

const consistencies = ['', 'default', 'consistent', 'cached', 'delegated'];

/** Throws invalid_argument or unimplemented for what it does not know: a mount that lost an option is another mount. */
export function decodeMountRequest(value: unknown, path: string): MountRequest {
  const { Type, ImageOptions, ClusterOptions, ...mount } = goObject<
    Omit<MountRequest, 'Type'> & { Type: string; ImageOptions?: unknown; ClusterOptions?: unknown }
  >({
    Type: string,
    Source: optional(cString),
    Target: absolutePath,
    ReadOnly: optional(boolean),
    Consistency: optional(string),
    BindOptions: optional(
      goObject<BindOptions>({
        Propagation: optional(string),
        NonRecursive: optional(boolean),
        CreateMountpoint: optional(boolean),
        ReadOnlyNonRecursive: optional(boolean),
        ReadOnlyForceRecursive: optional(boolean),
      }),
    ),
    TmpfsOptions: optional(
      goObject<TmpfsOptions>({
        SizeBytes: optional(int64),
        Mode: optional(integer(0, 0o7777)),
        Options: optional(array(array(cString))),
      }),
    ),
    VolumeOptions: optional(
      goObject<VolumeOptions>({
        NoCopy: optional(boolean),
        Labels: optional(record(string)),
        Subpath: optional(cString),
        DriverConfig: optional(
          goObject<NonNullable<VolumeOptions['DriverConfig']>>({
            Name: optional(string),
            Options: optional(record(cString)),
          }),
        ),
      }),
    ),
    ImageOptions: optional(anything),
    ClusterOptions: optional(anything),
  })(value, path);
  if (!isMountType(Type)) {
    throw new StackError(
      'unimplemented',
      `${path}.Type: mounts of type "${Type}" are not implemented`,
    );
  }
  for (const [name, options] of Object.entries({ ImageOptions, ClusterOptions })) {
    if (!isZero(options)) reject(`${path}.${name}`, `does not go with type "${Type}"`);
  }
  if (!consistencies.includes(mount.Consistency ?? '')) {
    reject(`${path}.Consistency`, `unknown word "${mount.Consistency ?? ''}"`);
  }
  return { Type, ...mount };
}

/** Which options go with which type. */
const optionFields = {
  bind: 'BindOptions',
  tmpfs: 'TmpfsOptions',
  volume: 'VolumeOptions',
} as const satisfies Record<MountType, string>;

/** Names of the options of a mount that do not go with its type. */
export function foreignOptions(mount: MountRequest): (keyof MountRequest)[] {
  return Object.values(optionFields).filter(
    (field) => field !== optionFields[mount.Type] && mount[field] !== undefined,
  );
}

function isMountType(text: string): text is MountType {
  return (mountTypes as readonly string[]).includes(text);
}
