/** The mounts of a container: docker's defaults, the engine's own files in /etc, and what the user asks for. */
import path from 'node:path';
import type { HostConfig } from '../api/host-config.ts';
import { StackError } from '#spec/errors';
import type { Mount } from '#spec/oci/mount';
import type { ContainerMount } from './container-mount.ts';
import { hasInit, initMount } from './init.ts';
import { mergedTmpfsOptions } from './tmpfs-options.ts';

export const defaultShmSizeBytes = 64 * 1024 * 1024;

/** Files of the engine that the container sees in /etc. */
export interface EtcFiles {
  hostname: string;
  hosts: string;
  resolvConf: string;
}

/** A mount of the container, with the path of the host that it shows. */
export interface PlacedMount {
  mount: ContainerMount;
  source: string;
}

/** What a container's own mounts depend on besides its HostConfig. */
export interface MountSurroundings {
  etc: EtcFiles;
  /** The folder of the host that is its /dev/shm; undefined when that is its own. */
  sharedMemory: string | undefined;
  writableCgroups: boolean;
}

/** All mounts, parents before children; what the user asks for replaces a default at the same place. */
export function containerMounts(
  hostConfig: HostConfig,
  placed: readonly PlacedMount[],
  surroundings: MountSurroundings,
): Mount[] {
  const chosen = [...placed.map(bindMount), ...tmpfsMounts(hostConfig)];
  const taken = new Set<string>();
  for (const { destination } of chosen) {
    if (taken.has(destination)) {
      throw new StackError('invalid_argument', `Duplicate mount point: ${destination}`);
    }
    taken.add(destination);
  }
  const defaults = [
    ...kernelMounts(hostConfig, surroundings),
    ...etcMounts(hostConfig, surroundings.etc),
    ...(hasInit(hostConfig) ? [initMount()] : []),
  ].filter(
    ({ destination }) =>
      !taken.has(destination) && !(taken.has('/dev') && destination.startsWith('/dev/')),
  );
  // A stable sort: the defaults' own order is kept among siblings.
  return [...defaults, ...chosen].sort((a, b) => depthOf(a.destination) - depthOf(b.destination));
}

function kernelMounts(
  hostConfig: HostConfig,
  { sharedMemory, writableCgroups }: MountSurroundings,
): Mount[] {
  const { Privileged: privileged, IpcMode: ipcMode, ShmSize: shmSize } = hostConfig;
  const hostIpc = ipcMode === 'host';
  const access = privileged ? 'rw' : 'ro';
  return [
    {
      destination: '/proc',
      type: 'proc',
      source: 'proc',
      options: ['nosuid', 'noexec', 'nodev'],
    },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/sys',
      type: 'sysfs',
      source: 'sysfs',
      options: ['nosuid', 'noexec', 'nodev', access],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [writableCgroups ? 'rw' : 'ro', 'nosuid', 'noexec', 'nodev'],
    },
    hostIpc
      ? {
          destination: '/dev/mqueue',
          type: 'bind',
          source: '/dev/mqueue',
          options: ['rbind', 'rprivate'],
        }
      : {
          destination: '/dev/mqueue',
          type: 'mqueue',
          source: 'mqueue',
          options: ['nosuid', 'noexec', 'nodev'],
        },
    ...(ipcMode === 'none' ? [] : [sharedMemoryMount(sharedMemory, shmSize)]),
  ];
}

function sharedMemoryMount(folder: string | undefined, sizeBytes: number): Mount {
  const destination = '/dev/shm';
  if (folder !== undefined) {
    return { destination, type: 'bind', source: folder, options: ['rbind', 'rprivate'] };
  }
  const size = `size=${sizeBytes || defaultShmSizeBytes}`;
  return {
    destination,
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', size],
  };
}

function etcMounts({ ReadonlyRootfs: readonly }: HostConfig, etc: EtcFiles): Mount[] {
  const options = ['rbind', 'rprivate', ...(readonly ? ['ro'] : [])];
  return [
    { destination: '/etc/resolv.conf', type: 'bind', source: etc.resolvConf, options },
    { destination: '/etc/hostname', type: 'bind', source: etc.hostname, options },
    { destination: '/etc/hosts', type: 'bind', source: etc.hosts, options },
  ];
}

function bindMount({ mount, source }: PlacedMount): Mount {
  const { destination, writable } = mount;
  const readonly = mount.type === 'bind' && mount.writableBelow ? 'ro' : 'rro';
  const propagation = mount.type === 'bind' ? mount.propagation : 'rprivate';
  const recursive = mount.type === 'volume' || mount.recursive;
  return {
    destination,
    type: 'bind',
    source,
    options: [recursive ? 'rbind' : 'bind', propagation, ...(writable ? [] : [readonly])],
  };
}

/** Destinations of tmpfs mounts: what else wants to be there gives way, or is a mistake. */
export function tmpfsDestinations(hostConfig: HostConfig): string[] {
  return tmpfsMounts(hostConfig).map(({ destination }) => destination);
}

function tmpfsMounts({ Tmpfs: byPath = {}, Mounts: mounts = [] }: HostConfig): Mount[] {
  const listed = Object.entries(byPath).map(([destination, options]) => ({
    destination: absolute(destination),
    options: options === '' ? [] : options.split(','),
  }));
  const described = mounts
    .filter(({ Type: type }) => type === 'tmpfs')
    .map(({ Target: target, ReadOnly: readonly, TmpfsOptions: options }) => ({
      destination: absolute(target),
      options: [
        ...(options?.SizeBytes ? [`size=${options.SizeBytes}`] : []),
        ...(options?.Mode ? [`mode=${options.Mode.toString(8)}`] : []),
        ...(readonly ? ['ro'] : []),
        ...(options?.Options ?? []).map((words) => words.join('=')),
      ],
    }));
  return [...listed, ...described].map(({ destination, options }) => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: mergedTmpfsOptions(['noexec', 'nosuid', 'nodev', ...options]),
  }));
}

function absolute(destination: string): string {
  if (!path.isAbsolute(destination) || path.normalize(destination) === '/') {
    throw new StackError(
      'invalid_argument',
      `invalid mount path: '${destination}' must be absolute and not '/'`,
    );
  }
  return path.normalize(destination).replace(/\/$/, '');
}

function depthOf(destination: string): number {
  return destination.split('/').length;
}
