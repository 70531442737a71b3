/**
 * What a create means in the version of the API in which it was asked: later fields are taken out, defaults are those
 * of then. The rules are docker's.
 */
import { StackError } from '#spec/errors';
import type { HostConfig } from '../../api/host-config.ts';
import { foreignOptions } from '../../api/mount-request.ts';
import { isAtLeast, type ApiVersion } from '../../http/api-version.ts';
import type { CreateBody } from './backend.ts';

/** Throws invalid_argument for what a version does not have and must not be left out in silence. */
export function asAskedIn(
  version: ApiVersion,
  { config, hostConfig, endpoints }: Pick<CreateBody, 'config' | 'hostConfig' | 'endpoints'>,
): Omit<CreateBody, 'name'> {
  const before = (wanted: ApiVersion): boolean => !isAtLeast(version, wanted);
  const asked: HostConfig = { ...hostConfig };
  if (before('1.25')) asked.AutoRemove = false;
  if (before('1.40')) {
    delete asked.KernelMemoryTCP;
    asked.IpcMode ||= 'shareable';
  }
  if (before('1.42')) asked.ConsoleSize = [0, 0];
  else delete asked.KernelMemory;
  if (before('1.43')) delete asked.Annotations;
  if (asked.Mounts) asked.Mounts = mountsAskedIn(version, asked.Mounts);
  if (before('1.44') && Object.keys(endpoints).length > 1) {
    throw invalid(
      `Container cannot be created with multiple network endpoints: ${Object.keys(endpoints).join(', ')}`,
    );
  }
  const { Healthcheck: healthcheck } = config;
  return {
    config:
      before('1.44') && healthcheck?.StartInterval
        ? { ...config, Healthcheck: { ...healthcheck, StartInterval: 0 } }
        : config,
    hostConfig: asked,
    endpoints,
    readOnlyNonRecursive: before('1.44'),
    warnings: driverWarnings(version, asked),
  };
}

function mountsAskedIn(
  version: ApiVersion,
  mounts: NonNullable<HostConfig['Mounts']>,
): NonNullable<HostConfig['Mounts']> {
  const before = (wanted: ApiVersion): boolean => !isAtLeast(version, wanted);
  return mounts.map((mount) => {
    const asked = { ...mount };
    for (const field of foreignOptions(mount)) {
      if (!before('1.42')) {
        throw invalid(`${field} must not be specified on mount type "${mount.Type}"`);
      }
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- one of three fields
      delete asked[field];
    }
    if (asked.BindOptions) {
      const options = { ...asked.BindOptions };
      if (before('1.40')) options.NonRecursive = false;
      if (before('1.42')) options.CreateMountpoint = false;
      if (before('1.44') && options.ReadOnlyForceRecursive) {
        throw invalid('BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer');
      }
      asked.BindOptions = options;
    }
    if (before('1.45') && asked.VolumeOptions?.Subpath) {
      throw invalid('VolumeOptions.Subpath needs API v1.45 or newer');
    }
    return asked;
  });
}

function driverWarnings(
  version: ApiVersion,
  { VolumeDriver: driver, Mounts: mounts = [] }: HostConfig,
): string[] {
  const ignored =
    driver !== '' &&
    isAtLeast(version, '1.48') &&
    mounts.some(
      ({ Type, VolumeOptions }) => Type === 'volume' && !VolumeOptions?.DriverConfig?.Name,
    );
  return ignored
    ? [
        "WARNING: the container-wide volume-driver configuration is ignored for volumes specified via 'mount'. Use '--mount type=volume,volume-driver=...' instead",
      ]
    : [];
}

function invalid(message: string): StackError {
  return new StackError('invalid_argument', message);
}
