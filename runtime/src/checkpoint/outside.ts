/**
 * What a container has from outside, which no image can hold: bind mounts, devices, namespaces of others, the standard
 * streams. criu is told names for them at the dump, and what they are at the restore.
 */
import fs from 'node:fs';
import path from 'node:path';
import { passedDescriptor } from '#lib/criu/session';
import type { CriuOptions } from '#lib/criu/rpc';
import { detectCgroups } from '#lib/cgroup/layout';
import { readMounts } from '#lib/mounts/mountinfo';
import { AT_FDCWD, close, O_PATH, openat, openat2, RESOLVE_IN_ROOT } from '#lib/sys/file';
import { errorCode, StackError } from '#spec/errors';
import type { Namespace } from '#spec/oci/linux';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { planMounts } from '../compile/mount-plan.ts';

/** File in the image directory: what the standard streams were, by number. The name is runc's. */
const descriptorsFile = 'descriptors.json';

/** One mount from outside. */
interface OutsideMount {
  /** Mount point in the container. */
  readonly target: string;
  /** On the host, at the restore. */
  readonly source: string;
}

const defaultDevices = ['null', 'zero', 'full', 'tty', 'random', 'urandom'];

/** `cgroup` is the container's path in every hierarchy; undefined without one. */
function outsideMounts(
  config: RuntimeConfig,
  rootfs: string,
  cgroup: string | undefined,
): OutsideMount[] {
  const namespaces = config.linux?.namespaces ?? [];
  const ownsCgroups = namespaces.some(({ type }) => type === 'cgroup');
  const mounts = planMounts({ config }).flatMap(({ type, source, destination }): OutsideMount[] => {
    const target = resolveInRoot(rootfs, destination);
    if (type === 'bind') return [{ target, source: source ?? '' }];
    if ((type !== 'cgroup' && type !== 'cgroup2') || ownsCgroups || cgroup === undefined) return [];
    const { hierarchies, unified = '' } = detectCgroups();
    if (hierarchies.length === 0) return [{ target, source: path.join(unified, cgroup) }];
    return hierarchies.map(({ mountPoint }) => ({
      target: `${target}/${path.basename(mountPoint)}`,
      source: path.join(mountPoint, cgroup),
    }));
  });
  // Those that are nodes of the container's own are not mounted, and criu does not look for them.
  const devices = [
    ...defaultDevices.map((name) => `/dev/${name}`),
    ...(config.linux?.devices ?? []).map((device) => device.path),
  ].map((device) => ({ target: device, source: device }));
  return [...mounts, ...devices];
}

/** Where `destination` leads below `rootfs`, links resolved; as it is written where it does not exist yet. */
function resolveInRoot(rootfs: string, destination: string): string {
  const root = openat(AT_FDCWD, rootfs, O_PATH | fs.constants.O_DIRECTORY);
  try {
    const fd = openat2(root, destination, { flags: O_PATH, resolve: RESOLVE_IN_ROOT });
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`).slice(rootfs.length) || '/';
    } finally {
      close(fd);
    }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return destination;
    throw error;
  } finally {
    close(root);
  }
}

export interface OutsideContext {
  readonly config: RuntimeConfig;
  readonly rootfs: string;
  /** In every hierarchy; absent without a cgroup. */
  readonly cgroupPath?: string;
}

/** For the dump of the container whose first process is `pid`. */
export function dumpedOutside(
  { config, rootfs, cgroupPath }: OutsideContext,
  pid: number,
): CriuOptions {
  return {
    ext_mnt: outsideMounts(config, rootfs, cgroupPath).map(({ target }) => ({
      key: target,
      val: target,
    })),
    external: [
      ...externalNamespaces(config).map(
        ({ type, path: file }) =>
          `${criuNamespaces[type]}[${fs.statSync(file).ino}]:${keyOf(type)}`,
      ),
      ...[0, 1, 2].map((fd) => externalFile(pid, fd)).filter((key) => key !== undefined),
    ],
  };
}

/** The descriptors that criu is to be handed for a restore, in their order, and the options that name them. */
export function restoredOutside(
  { config, rootfs, cgroupPath }: OutsideContext,
  images: string,
): { options: CriuOptions; passed: number[]; close: () => void } {
  const opened: number[] = [];
  const passed: number[] = [];
  const inherit = (key: string, fd: number) => ({
    key,
    fd: passedDescriptor(passed.push(fd) - 1),
  });
  const namespaces = externalNamespaces(config).map(({ type, path: file }) => {
    const fd = fs.openSync(file, 'r');
    opened.push(fd);
    return inherit(keyOf(type), fd);
  });
  const streams = readDescriptors(images).flatMap((entry, fd) => {
    if (entry.startsWith('pipe:')) return [inherit(entry, fd)];
    const [, key, file] = /^(file\[[^\]]*\]) (.*)$/s.exec(entry) ?? [];
    if (key === undefined) return [];
    if (file !== '/dev/null') return [inherit(key, fd)];
    // The caller may have a pipe in its place now; a process that had nothing to read still has not.
    const nothing = fs.openSync('/dev/null', 'r+');
    opened.push(nothing);
    return [inherit(key, nothing)];
  });
  return {
    options: {
      ext_mnt: outsideMounts(config, rootfs, cgroupPath).map(({ target, source }) => ({
        key: target,
        val: source,
      })),
      inherit_fd: [...namespaces, ...streams],
      join_ns: joinedNamespaces(config),
    },
    passed,
    close: () => {
      for (const fd of opened) fs.closeSync(fd);
    },
  };
}

/** Those that criu treats as external: everything inside is left to whoever made them. */
const criuNamespaces = { network: 'net', pid: 'pid' } as const;
type ExternalType = keyof typeof criuNamespaces;

function keyOf(type: ExternalType): string {
  return type === 'network' ? 'extRootNetNS' : 'extRootPidNS';
}

function joined({ linux }: RuntimeConfig): (Namespace & { path: string })[] {
  return (linux?.namespaces ?? []).filter((namespace): namespace is Namespace & { path: string } =>
    Boolean(namespace.path),
  );
}

function externalNamespaces(config: RuntimeConfig): { type: ExternalType; path: string }[] {
  return joined(config).flatMap(({ type, path: file }) =>
    type === 'network' || type === 'pid' ? [{ type, path: file }] : [],
  );
}

/** The others are entered by their files. */
function joinedNamespaces(config: RuntimeConfig): { ns: string; ns_file: string }[] {
  return joined(config).flatMap(({ type, path: file }) => {
    if (type === 'network' || type === 'pid') return [];
    if (type === 'cgroup' || type === 'mount') {
      throw new StackError('unimplemented', `criu cannot restore into a joined ${type} namespace`);
    }
    return [{ ns: type, ns_file: file }];
  });
}

/** criu's name for an open file on a mount that the container does not see; undefined for any other. */
function externalFile(pid: number, fd: number): string | undefined {
  try {
    const target = fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
    if (!target.startsWith('/')) return undefined; // pipes and sockets
    const info = fs.readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
    const mount = /^mnt_id:\s*(\d+)$/m.exec(info)?.[1] ?? '';
    if (readMounts(pid).some(({ id }) => id === Number(mount))) return undefined;
    const { ino } = fs.statSync(`/proc/${pid}/fd/${fd}`);
    return `file[${Number(mount).toString(16)}:${ino.toString(16)}]`;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined; // closed by the container
    throw error;
  }
}

/**
 * Notes what the standard streams are: `pipe:[…]`, `file[…] path` for what lies outside, a path for what lies inside.
 * `original` says what they were when the container was created: a pipe that it
 * made itself since then is restored by criu.
 */
export function writeDescriptors(images: string, pid: number, original: readonly string[]): void {
  const descriptors = [0, 1, 2].map((fd) => {
    const link = readLink(`/proc/${pid}/fd/${fd}`);
    if (link.startsWith('pipe:')) return original[fd] === link ? link : '';
    const key = externalFile(pid, fd);
    return key === undefined ? link : `${key} ${link}`;
  });
  fs.writeFileSync(path.join(images, descriptorsFile), JSON.stringify(descriptors), {
    mode: 0o600,
  });
}

function readLink(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  }
}

function readDescriptors(images: string): string[] {
  const file = path.join(images, descriptorsFile);
  const value: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value;
  throw new StackError('invalid_argument', `${file} does not hold a list of names`);
}
