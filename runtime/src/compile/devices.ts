/** Device nodes and the links that every container has in /dev (runtime-spec config-linux.md, "Default Devices"). */
import type { Register } from '#lib/loader/program';
import type { Device } from '#spec/oci/linux';
import type { CompileContext, DescriptorSlot } from './context.ts';
import type { CompileInput } from './input.ts';
import {
  AT_SYMLINK_NOFOLLOW,
  MOUNT_ATTR_RDONLY,
  O_DIRECTORY,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
} from './kernel-constants.ts';
import { attach, cloneHostTree, setAttributes } from './mount-calls.ts';
import { isLateReadonly, type PlannedMount } from './mount-plan.ts';
import { openInRoot, openOrMake, openParent } from './paths.ts';

const defaultDevices: readonly Device[] = [
  { type: 'c', path: '/dev/null', major: 1, minor: 3 },
  { type: 'c', path: '/dev/zero', major: 1, minor: 5 },
  { type: 'c', path: '/dev/full', major: 1, minor: 7 },
  { type: 'c', path: '/dev/tty', major: 5, minor: 0 },
  { type: 'c', path: '/dev/random', major: 1, minor: 8 },
  { type: 'c', path: '/dev/urandom', major: 1, minor: 9 },
];

interface PlannedDevice {
  readonly device: Device;
  readonly property: string;
}

/** Clones of the host's nodes, by path, for a container that may not make its own. */
export type DeviceSources = ReadonlyMap<string, DescriptorSlot>;

/** A /dev that is bound from elsewhere is left as it is. */
export function ownsDev(mounts: readonly PlannedMount[]): boolean {
  return !mounts.some(({ type, destination }) => type === 'bind' && destination === '/dev');
}

function planDevices({ config }: CompileInput): PlannedDevice[] {
  const own = (config.linux?.devices ?? []).map((device, index) => ({
    device,
    property: `linux.devices[${index}]`,
  }));
  const named = new Set(own.map(({ device }) => device.path));
  const defaults = defaultDevices
    .filter(({ path }) => !named.has(path))
    .map((device) => ({ device, property: 'linux.devices' }));
  // Links made later take these names.
  return [...own, ...defaults].filter(
    ({ device }) => device.path !== '/dev/ptmx' && device.path !== '/dev/console',
  );
}

/** Clones the host's nodes where the container cannot make nodes (user namespaces). */
export function cloneDevices(context: CompileContext, input: CompileInput): DeviceSources {
  const sources = new Map<string, DescriptorSlot>();
  if (input.facts.mayMakeDevices) return sources;
  for (const { device, property } of planDevices(input)) {
    context.program.stage(`clone ${device.path}`).from(property);
    context.borrow((tree) => {
      cloneHostTree(context, device.path, false, tree);
      sources.set(device.path, context.keep(tree));
    });
  }
  return sources;
}

export function makeDevices(
  context: CompileContext,
  root: Register,
  input: CompileInput,
  sources: DeviceSources,
): void {
  refuseLinkedDev(context, root);
  for (const { device, property } of planDevices(input)) {
    context.program.stage(`make device ${device.path}`).from(property);
    const slot = sources.get(device.path);
    if (slot) bindDevice(context, root, device, slot);
    else makeDevice(context, root, device);
  }
}

/** Nodes are not made where a link of the image leads (CVE-2026-41579). */
function refuseLinkedDev(context: CompileContext, root: Register): void {
  context.program.stage('find /dev').from('linux.devices');
  context.borrow((dev) => {
    openOrMake(context, root, '/dev', dev);
    context.close(dev);
    openInRoot(context, root, '/dev', dev, { flags: O_DIRECTORY, noSymlinks: true });
    context.close(dev);
  });
}

const typeBits = { b: S_IFBLK, c: S_IFCHR, u: S_IFCHR, p: S_IFIFO } as const;

function makeDevice(context: CompileContext, root: Register, device: Device): void {
  const { program } = context;
  const { type, major = 0, minor = 0, fileMode = 0o666, uid = 0, gid = 0 } = device;
  const exists = program.label();
  context.borrow((parent) => {
    const name = program.string(openParent(context, root, device.path, parent));
    const mode = typeBits[type] | (fileMode & 0o7777);
    program.syscall('mknodat', [parent, name, mode, deviceNumber(major, minor)], {
      onErrno: { errno: 'EEXIST', goto: exists },
    });
    program.syscall('fchownat', [parent, name, uid, gid, AT_SYMLINK_NOFOLLOW]);
    program.place(exists);
    context.close(parent);
  });
}

function bindDevice(
  context: CompileContext,
  root: Register,
  device: Device,
  slot: DescriptorSlot,
): void {
  context.borrow((target) => {
    openOrMake(context, root, device.path, target, 'file');
    context.withKept(slot, (tree) => {
      attach(context, tree, target);
      context.close(tree);
    });
    context.close(target);
  });
}

/** makedev(3) as the kernel takes it: 12 bits of major between 8 and 12 bits of minor. */
function deviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** Links below /dev: name, target. */
const links: readonly (readonly [string, string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
];

export function makeLinks(context: CompileContext, root: Register, { facts }: CompileInput): void {
  const { program } = context;
  program.stage('make the links in /dev');
  const all = facts.hasKcore ? [...links, ['core', '/proc/kcore'] as const] : links;
  context.borrow((dev) => {
    openInRoot(context, root, '/dev', dev, { flags: O_DIRECTORY, noSymlinks: true });
    for (const [name, target] of all) {
      const exists = program.label();
      program.syscall('symlinkat', [program.string(target), dev, program.string(name)], {
        onErrno: { errno: 'EEXIST', goto: exists },
      });
      program.place(exists);
    }
    const absent = program.label();
    program.syscall('unlinkat', [dev, program.string('ptmx'), 0], {
      onErrno: { errno: 'ENOENT', goto: absent },
    });
    program.place(absent);
    program.syscall('symlinkat', [program.string('pts/ptmx'), dev, program.string('ptmx')]);
    context.close(dev);
  });
}

/** `ro` of the mount at /dev, which had to wait for the nodes and links. */
export function makeDevReadonly(
  context: CompileContext,
  root: Register,
  mounts: readonly PlannedMount[],
): void {
  const mount = mounts.find(isLateReadonly);
  if (!mount) return;
  context.program.stage('make /dev read-only').from(`${mount.property}.options`);
  context.borrow((dev) => {
    openInRoot(context, root, '/dev', dev, { flags: O_DIRECTORY, noSymlinks: true });
    setAttributes(context, dev, { set: MOUNT_ATTR_RDONLY });
    context.close(dev);
  });
}
