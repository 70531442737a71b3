/** What a container mounts besides its root and the engine's own files, after names and defaults were resolved. */
import path from 'node:path';
import { StackError } from '#spec/errors';
import type { HostConfig } from '../api/host-config.ts';

export const propagations = [
  'private',
  'rprivate',
  'shared',
  'rshared',
  'slave',
  'rslave',
] as const;
export type Propagation = (typeof propagations)[number];

/** A path of the host. */
export interface BindMount {
  type: 'bind';
  source: string;
  destination: string;
  writable: boolean;
  propagation: Propagation;
  /** Whether mounts below the source come along. */
  recursive: boolean;
  /** Whether a missing source becomes a folder, as `-v` promises. */
  createSource: boolean;
  /** As the user wrote it, for inspect. */
  mode: string;
}

/** A volume of the engine. */
export interface VolumeMount {
  type: 'volume';
  /** Empty until an anonymous volume was created for it. */
  name: string;
  destination: string;
  writable: boolean;
  /** Whether a new volume is filled with what the image has at the destination. */
  copy: boolean;
  /** For inspect. */
  mode: string;
  /** What the volume is created with when it does not exist. */
  driver: string;
  driverOptions: Record<string, string>;
  labels: Record<string, string>;
}

export type ContainerMount = BindMount | VolumeMount;

/** `Binds` and `Mounts` of a HostConfig but for tmpfs. Throws invalid_argument. */
export function requestedMounts({
  Binds: binds,
  Mounts: mounts = [],
  VolumeDriver: driver,
}: HostConfig): ContainerMount[] {
  const described = mounts.flatMap((mount): ContainerMount[] => {
    const { Type: type, Source: source = '', Target: target, ReadOnly: readonly = false } = mount;
    const destination = checkedDestination(target);
    if (type === 'volume') {
      const { NoCopy, Labels, DriverConfig } = mount.VolumeOptions ?? {};
      return [
        {
          ...newVolume(destination),
          name: source === '' ? '' : checkedVolumeName(source),
          writable: !readonly,
          copy: !NoCopy,
          mode: 'z',
          driver: DriverConfig?.Name ?? '',
          driverOptions: DriverConfig?.Options ?? {},
          labels: Labels ?? {},
        },
      ];
    }
    if (type !== 'bind') return [];
    const { Propagation, NonRecursive, CreateMountpoint } = mount.BindOptions ?? {};
    if (!path.isAbsolute(source)) {
      throw invalid(`type=bind,source=${source},target=${target}`);
    }
    return [
      {
        type,
        source: path.normalize(source),
        destination,
        writable: !readonly,
        propagation: parsePropagation(Propagation || 'rprivate'),
        recursive: !NonRecursive,
        createSource: CreateMountpoint ?? false,
        mode: '',
      },
    ];
  });
  return [...(binds ?? []).map((text) => parseBind(text, driver)), ...described];
}

/** A volume without a name, writable, filled from the image: what `VOLUME` in an image means. */
export function newVolume(destination: string): VolumeMount {
  return {
    type: 'volume',
    name: '',
    destination,
    writable: true,
    copy: true,
    mode: '',
    driver: '',
    driverOptions: {},
    labels: {},
  };
}

/**
 * `source:destination[:options]`, `volume:destination[:options]`, or a destination alone for an anonymous volume.
 * @param driver what a volume is created with. Throws invalid_argument.
 */
export function parseBind(text: string, driver = ''): ContainerMount {
  const parts = text.split(':');
  if (parts.length > 3 || parts.includes('')) throw invalid(text);
  const [first = '', second, options = ''] = parts;
  if (second === undefined) return { ...newVolume(checkedDestination(first)), driver };
  const destination = checkedDestination(second);
  const { writable, propagation, copy } = parseMode(options, text);
  if (!path.isAbsolute(first)) {
    if (propagation !== undefined) throw invalidMode(options, text);
    const name = checkedVolumeName(first);
    return { ...newVolume(destination), name, writable, copy, driver, mode: options || 'z' };
  }
  if (!copy) throw invalidMode(options, text);
  return {
    type: 'bind',
    source: path.normalize(first),
    destination,
    writable,
    propagation: propagation ?? 'rprivate',
    recursive: true,
    createSource: true,
    mode: options,
  };
}

interface Mode {
  writable: boolean;
  propagation: Propagation | undefined;
  copy: boolean;
}

function parseMode(options: string, text: string): Mode {
  const mode: Mode = { writable: true, propagation: undefined, copy: true };
  for (const option of options.split(',').filter((item) => item !== '')) {
    if (option === 'ro') mode.writable = false;
    else if (option === 'nocopy') mode.copy = false;
    else if (isPropagation(option)) mode.propagation = option;
    // z and Z relabel for SELinux, which is not there; the last three speak of other systems.
    else if (!['rw', 'z', 'Z', 'consistent', 'cached', 'delegated'].includes(option)) {
      throw invalidMode(options, text);
    }
  }
  return mode;
}

/** Throws invalid_argument in docker's words for what cannot name a volume. */
export function checkedVolumeName(name: string): string {
  if (name.length === 1) {
    throw new StackError(
      'invalid_argument',
      'volume name is too short, names should be at least two alphanumeric characters',
    );
  }
  if (!/^[a-zA-Z0-9][\w.-]{1,254}$/.test(name)) {
    throw new StackError(
      'invalid_argument',
      `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  }
  return name;
}

/** An absolute destination without a trailing slash. Throws invalid_argument. */
export function checkedDestination(destination: string): string {
  const normalized = path.normalize(destination);
  if (!path.isAbsolute(destination) || normalized === '/') {
    throw new StackError(
      'invalid_argument',
      `invalid volume specification: destination '${destination}' must be absolute and not '/'`,
    );
  }
  return normalized.replace(/\/$/, '');
}

function isPropagation(text: string): text is Propagation {
  return (propagations as readonly string[]).includes(text);
}

function parsePropagation(text: string): Propagation {
  if (isPropagation(text)) return text;
  throw new StackError('invalid_argument', `invalid propagation mode: ${text}`);
}

function invalid(text: string): StackError {
  return new StackError('invalid_argument', `invalid volume specification: '${text}'`);
}

function invalidMode(options: string, text: string): StackError {
  return new StackError('invalid_argument', `invalid mode: ${options} in '${text}'`);
}
