/** Devices of a container: nodes in its /dev and rules of its device cgroup. */
import fs from 'node:fs';
import path from 'node:path';
import type { DeviceMapping, DeviceRequest } from '../api/device-config.ts';
import type { HostConfig } from '../api/host-config.ts';
import { errorCode, StackError } from '#spec/errors';
import type { Device } from '#spec/oci/linux';
import type { DeviceRule } from '#spec/oci/resources';

export interface DeviceAccess {
  nodes: Device[];
  rules: DeviceRule[];
}

/** docker's defaults: null, zero, random, tty, console; the runtime adds pseudo terminals and mknod. */
const defaultRules: readonly DeviceRule[] = [
  { allow: false, access: 'rwm' },
  ...[
    [1, 3],
    [1, 5],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 1],
  ].map(([major = 0, minor = 0]) => ({
    allow: true,
    type: 'c' as const,
    major,
    minor,
    access: 'rwm',
  })),
];

/** Nodes and rules for a HostConfig. Throws not_found for a host device that does not exist. */
export function containerDevices(hostConfig: HostConfig): DeviceAccess {
  refuseRequests(hostConfig.DeviceRequests ?? []);
  if (hostConfig.Privileged) {
    const nodes = new Map(hostDevices('/dev').map((node) => [node.path, node]));
    // Under other names than the host's; those are all there.
    for (const { node } of hostConfig.Devices.flatMap(mappedDevices)) nodes.set(node.path, node);
    return { nodes: [...nodes.values()], rules: [{ allow: true, access: 'rwm' }] };
  }
  const mapped = hostConfig.Devices.flatMap(mappedDevices);
  return {
    nodes: mapped.map(({ node }) => node),
    rules: [
      ...defaultRules,
      ...mapped.map(({ rule }) => rule),
      ...(hostConfig.DeviceCgroupRules ?? []).map(parseRule),
    ],
  };
}

/** There is no driver that chooses devices (`--gpus`, CDI). Throws invalid_argument in docker's words. */
function refuseRequests([request]: readonly DeviceRequest[]): void {
  if (!request) return;
  const capabilities = (request.Capabilities ?? []).map((all) => `[${all.join(' ')}]`).join(' ');
  throw new StackError(
    'invalid_argument',
    `could not select device driver ${JSON.stringify(request.Driver)} with capabilities: [${capabilities}]`,
  );
}

/** `c 10:200 rwm`, `b *:* m`. */
function parseRule(text: string): DeviceRule {
  const found = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text);
  if (!found) {
    throw new StackError('invalid_argument', `invalid device cgroup rule format: '${text}'`);
  }
  const [, type, major, minor, access = ''] = found;
  const number = (value = '*') => (value === '*' ? -1 : Number(value));
  return {
    allow: true,
    type: type === 'a' || type === 'b' ? type : 'c',
    major: number(major),
    minor: number(minor),
    access,
  };
}

function mappedDevices(mapping: DeviceMapping): { node: Device; rule: DeviceRule }[] {
  const { PathOnHost: source, PathInContainer: target, CgroupPermissions: access } = mapping;
  if (!/^[rwm]{1,3}$/.test(access)) {
    throw new StackError(
      'invalid_argument',
      `invalid device permissions "${access}" for ${source}`,
    );
  }
  const status = fs.statSync(source, { throwIfNoEntry: false });
  if (!status) {
    throw new StackError(
      'not_found',
      `error gathering device information while adding custom device "${source}": no such file or directory`,
    );
  }
  const nodes = status.isDirectory()
    ? hostDevices(source).map((node) => ({
        ...node,
        path: path.join(target, path.relative(source, node.path)),
      }))
    : [deviceNode(fs.realpathSync(source), target)].filter((node) => node !== undefined);
  if (nodes.length === 0) {
    throw new StackError(
      'invalid_argument',
      `error gathering device information while adding custom device "${source}": not a device node`,
    );
  }
  return nodes.map((node) => ({
    node,
    rule: {
      allow: true,
      type: node.type === 'b' ? 'b' : 'c',
      major: node.major ?? -1,
      minor: node.minor ?? -1,
      access,
    },
  }));
}

/** All device nodes below a folder of the host, without what each container has of its own. */
function hostDevices(folder: string): Device[] {
  const own = new Set([
    '/dev/pts',
    '/dev/shm',
    '/dev/fd',
    '/dev/mqueue',
    '/dev/.lxc',
    '/dev/console',
  ]);
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (own.has(file) || entry.isSymbolicLink()) return [];
    if (entry.isDirectory()) return hostDevices(file);
    return deviceNode(file, file) ?? [];
  });
}

function deviceNode(source: string, target: string): Device | undefined {
  try {
    const status = fs.lstatSync(source);
    if (!status.isCharacterDevice() && !status.isBlockDevice()) return undefined;
    return {
      type: status.isBlockDevice() ? 'b' : 'c',
      path: target,
      major: majorOf(status.rdev),
      minor: minorOf(status.rdev),
      fileMode: status.mode & 0o7777,
      uid: status.uid,
      gid: status.gid,
    };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined; // unplugged between the listing and now
    throw error;
  }
}

/** gnu_dev_major(3). */
function majorOf(rdev: number): number {
  const device = BigInt(rdev);
  return Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn));
}

/** gnu_dev_minor(3). */
function minorOf(rdev: number): number {
  const device = BigInt(rdev);
  return Number((device & 0xffn) | ((device >> 12n) & ~0xffn));
}
