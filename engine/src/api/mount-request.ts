/** `HostConfig.Mounts`: mounts with a field per property, as `--mount` writes them. */
import { StackError } from '#spec/errors';
import {
  absolutePath,
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
  BindOptions?: { Propagation?: string; NonRecursive?: boolean; CreateMountpoint?: boolean };
  TmpfsOptions?: { SizeBytes?: number; Mode?: number };
  VolumeOptions?: VolumeOptions;
}

export interface VolumeOptions {
  /** Leave a new volume empty instead of filling it from the image. */
  NoCopy?: boolean;
  Labels?: Record<string, string>;
  DriverConfig?: { Name?: string; Options?: Record<string, string> };
}

/** Refuses what it does not know, because a mount that lost an option is another mount. */
export function decodeMountRequest(value: unknown, path: string): MountRequest {
  const { Type, ImageOptions, ClusterOptions, ...mount } = goObject<
    Omit<MountRequest, 'Type'> & { Type: string; ImageOptions?: unknown; ClusterOptions?: unknown }
  >({
    Type: string,
    Source: optional(cString),
    Target: absolutePath,
    ReadOnly: optional(boolean),
    BindOptions: optional(
      goObject<NonNullable<MountRequest['BindOptions']>>({
        Propagation: optional(string),
        NonRecursive: optional(boolean),
        CreateMountpoint: optional(boolean),
      }),
    ),
    TmpfsOptions: optional(
      goObject<NonNullable<MountRequest['TmpfsOptions']>>({
        SizeBytes: optional(int64),
        Mode: optional(integer(0, 0o7777)),
      }),
    ),
    VolumeOptions: optional(
      goObject<VolumeOptions & { Subpath?: '' }>({
        NoCopy: optional(boolean),
        Labels: optional(record(string)),
        Subpath: optional(noSubpath),
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
  const { BindOptions, TmpfsOptions, VolumeOptions } = mount;
  const foreign = {
    ...(Type !== 'bind' && { BindOptions }),
    ...(Type !== 'tmpfs' && { TmpfsOptions }),
    ...(Type !== 'volume' && { VolumeOptions }),
    ImageOptions,
    ClusterOptions,
  };
  for (const [name, options] of Object.entries(foreign)) {
    if (!isZero(options)) reject(`${path}.${name}`, `does not go with type "${Type}"`);
  }
  return { Type, ...mount };
}

/** A path below a volume that others may write to would have to be opened once and mounted by descriptor. */
function noSubpath(value: unknown, path: string): '' {
  if (value === '') return '';
  throw new StackError('unimplemented', `${path} is not implemented by this engine`);
}

function isMountType(text: string): text is MountType {
  return (mountTypes as readonly string[]).includes(text);
}
