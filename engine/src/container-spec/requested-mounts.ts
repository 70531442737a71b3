/** `Binds` and `Mounts` of a HostConfig as what a container mounts, checked by docker's rules. */
import path from 'node:path';
import { StackError } from '#spec/errors';
import type { HostConfig } from '../api/host-config.ts';
import type { MountRequest } from '../api/mount-request.ts';
import { parseBind } from './bind-text.ts';
import {
  checkedDestination,
  checkedVolumeName,
  isPropagation,
  newVolume,
  type BindMount,
  type ContainerMount,
  type VolumeMount,
} from './container-mount.ts';

export interface MountDefaults {
  /** Whether read-only binds leave mounts below them writable, as in old versions of the API. */
  readOnlyNonRecursive: boolean;
}

/** All mounts but tmpfs. Throws invalid_argument. */
export function requestedMounts(
  { Binds: binds, Mounts: mounts = [], VolumeDriver: driver }: HostConfig,
  { readOnlyNonRecursive }: MountDefaults = { readOnlyNonRecursive: false },
): ContainerMount[] {
  const described = mounts.flatMap((mount): ContainerMount[] => {
    checkRequest(mount);
    if (mount.Type === 'volume') return [volumeMount(mount)];
    return mount.Type === 'bind' ? [bindMount(mount)] : [];
  });
  return [...(binds ?? []).map((text) => parseBind(text, driver)), ...described].map((mount) =>
    mount.type === 'bind' && readOnlyNonRecursive ? { ...mount, writableBelow: true } : mount,
  );
}

function volumeMount({
  Source: source = '',
  Target: target,
  ReadOnly: readonly = false,
  VolumeOptions: options = {},
}: MountRequest): VolumeMount {
  const { NoCopy, Labels, DriverConfig, Subpath: subpath = '' } = options;
  return {
    ...newVolume(checkedDestination(target)),
    name: source === '' ? '' : checkedVolumeName(source),
    writable: !readonly,
    copy: !NoCopy,
    ...(subpath !== '' && { subpath }),
    mode: 'z',
    driver: DriverConfig?.Name ?? '',
    driverOptions: DriverConfig?.Options ?? {},
    labels: Labels ?? {},
  };
}

function bindMount({
  Source: source = '',
  Target: target,
  ReadOnly: readonly = false,
  BindOptions: options = {},
}: MountRequest): BindMount {
  const propagation = options.Propagation || 'rprivate';
  if (!isPropagation(propagation)) {
    throw invalid('bind', `invalid propagation mode: ${propagation}`);
  }
  if (options.ReadOnlyNonRecursive && options.ReadOnlyForceRecursive) {
    throw invalid('bind', 'mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive');
  }
  return {
    type: 'bind',
    source: path.normalize(source),
    destination: checkedDestination(target),
    writable: !readonly,
    ...(options.ReadOnlyNonRecursive && { writableBelow: true }),
    propagation,
    ...(!options.Propagation && { byDefault: true }),
    recursive: !options.NonRecursive,
    createSource: options.CreateMountpoint ?? false,
    mode: '',
  };
}

function checkRequest({
  Type: type,
  Source: source = '',
  Target: target,
  ReadOnly: readonly,
  VolumeOptions: { Subpath: subpath = '' } = {},
  TmpfsOptions: tmpfs,
}: MountRequest): void {
  if (path.normalize(target) === '/') {
    throw invalid(type, "invalid specification: destination can't be '/'");
  }
  if (type === 'bind') {
    if (source === '') throw invalid(type, 'field Source must not be empty');
    if (!path.isAbsolute(source)) {
      throw invalid(type, `invalid mount path: '${source}' mount path must be absolute`);
    }
  }
  if (type === 'tmpfs') {
    if (source !== '') throw invalid(type, 'field Source must not be specified');
    for (const [name = '', ...rest] of tmpfs?.Options ?? []) {
      if (rest.length > 1) throw invalid(type, 'invalid option array length');
      if (!['exec', 'noexec'].includes(name)) throw invalid(type, `invalid option: ${name}`);
    }
  }
  if (type !== 'volume') return;
  if (subpath !== '' && source === '') {
    throw invalid(type, 'must not set Subpath when using anonymous volumes');
  }
  if (path.isAbsolute(subpath) || path.normalize(subpath).split('/')[0] === '..') {
    throw invalid(type, 'subpath must be a relative path within the volume');
  }
  if (readonly && source === '') {
    throw invalid(type, 'must not set ReadOnly mode when using anonymous volumes');
  }
}

function invalid(type: string, problem: string): StackError {
  return new StackError('invalid_argument', `invalid mount config for type "${type}": ${problem}`);
}
