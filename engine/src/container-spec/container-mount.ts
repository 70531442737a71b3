/** What a container mounts besides its root and the engine's own files, after names and defaults were resolved. */
import path from 'node:path';
import { StackError } from '#spec/errors';

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
  /** Whether mounts below the source stay writable in a mount that is not. */
  writableBelow?: boolean;
  propagation: Propagation;
  /** Whether nobody chose the propagation. */
  byDefault?: boolean;
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
  /** The folder or file of the volume that is mounted; absent for all of it. */
  subpath?: string;
  /** For inspect. */
  mode: string;
  /** What the volume is created with when it does not exist. */
  driver: string;
  driverOptions: Record<string, string>;
  labels: Record<string, string>;
}

export type ContainerMount = BindMount | VolumeMount;

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

export function isPropagation(text: string): text is Propagation {
  return (propagations as readonly string[]).includes(text);
}
