/** The container's cgroup: which one, made with its limits, and as the compiler sees it. */
import fs from 'node:fs';
import path from 'node:path';
import { createCgroup, openCgroup } from '#lib/cgroup/cgroup';
import {
  cgroupDirectories,
  detectCgroups,
  unifiedDirectory,
  type Cgroup,
} from '#lib/cgroup/layout';
import { giveCgroup } from '#lib/cgroup/ownership';
import { joinFiles, pids } from '#lib/cgroup/processes';
import { errorCode, messageOf, StackError } from '#spec/errors';
import type { DeviceRule, Resources } from '#spec/oci/resources';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import type { CgroupMount, CgroupPlacement } from '../compile/input.ts';
import { cgroupOwner } from './cgroup-owner.ts';
import { isInitialUserNamespace } from './facts.ts';

/** Allowed whatever the rules say: making nodes, the default devices, terminals (as runc does). */
const defaultDeviceRules: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...(
    [
      [1, 3], // null
      [1, 5], // zero
      [1, 7], // full
      [1, 8], // random
      [1, 9], // urandom
      [5, 0], // tty
      [5, 2], // ptmx
    ] as const
  ).map(([major, minor]): DeviceRule => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' }, // pseudoterminals
];

/** A container without a cgroup: an ordinary user may not make any. */
export const noCgroup: CgroupPlacement = { joinFiles: [], mounts: [] };

/** The path that `linux.cgroupsPath` means; without it `/<id>`. */
export function cgroupPath({ linux }: RuntimeConfig, id: string): string {
  return path.posix.join('/', linux?.cgroupsPath ?? id);
}

/** A group in which somebody else lives would be limited, frozen and killed with the container. */
export function refuseOccupiedCgroup(group: string): void {
  const cgroup = openCgroup(detectCgroups(), group);
  const found = pids(cgroup).length;
  if (found > 0) {
    throw new StackError(
      'conflict',
      `linux.cgroupsPath: container's cgroup ${cgroup.path} is not empty: ${found} process(es) found`,
    );
  }
}

/** The limits of `config`, and what a container may do with devices whatever they say: without rules nothing else. */
export function cgroupResources({ linux }: RuntimeConfig): Resources {
  const { resources = {} } = linux ?? {};
  const devices = resources.devices ?? (mayRestrictDevices() ? [] : undefined);
  return devices ? { ...resources, devices: [...devices, ...defaultDeviceRules] } : resources;
}

/** Who is not root on the host reaches few devices and may not make rules. */
function mayRestrictDevices(): boolean {
  if (process.geteuid?.() !== 0 || !isInitialUserNamespace()) return false;
  const { version, hierarchies } = detectCgroups();
  return version === 'v2' || hierarchies.some(({ controllers }) => controllers.includes('devices'));
}

/**
 * Makes the cgroup `group` and sets its limits. Where none can be made, because an ordinary user asks (`tolerant`) or because
 * the hierarchies are read-only (a container in a container), the container runs without one and undefined is
 * returned, unless limits were asked for.
 */
export function prepareCgroup(
  config: RuntimeConfig,
  group: string,
  { tolerant, warn }: { tolerant: boolean; warn: (message: string) => void },
): Cgroup | undefined {
  const resources = cgroupResources(config);
  try {
    const cgroup = createCgroup(detectCgroups(), group, resources, warn);
    const owner = cgroupOwner(config);
    if (owner !== undefined && process.geteuid?.() === 0) giveCgroup(cgroup, owner);
    return cgroup;
  } catch (error) {
    const code = causeCode(error);
    const refused = code === 'EROFS' || (tolerant && (code === 'EACCES' || code === 'EPERM'));
    if (refused && !hasLimits(resources)) {
      warn(`the container runs without a cgroup: ${messageOf(error)}`);
      return undefined;
    }
    throw new StackError('internal', `unable to apply cgroup configuration: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Device rules apart: what a container without a cgroup could reach is limited by that of its caller. */
function hasLimits({ devices: _devices, ...others }: Resources): boolean {
  return Object.values(others).some((limits) => Object.keys(limits).length > 0);
}

function causeCode(error: unknown): string {
  const own = errorCode(error);
  if (own !== undefined) return own;
  return error instanceof Error && error.cause !== undefined ? causeCode(error.cause) : '';
}

/** How a process gets into `cgroup`, and what a mount of type cgroup shows of it. */
export function placementOf(cgroup: Cgroup): CgroupPlacement {
  const { layout } = cgroup;
  if (layout.version === 'v2') {
    const directory = unifiedDirectory(cgroup);
    if (directory === undefined) throw new Error('cgroup v2 without a mount point');
    return {
      joinFiles: [],
      directory,
      mounts: [{ name: '', directory, aliases: [], options: [] }],
    };
  }
  const mounts = layout.hierarchies.map(({ mountPoint, controllers }): CgroupMount => {
    const name = path.basename(mountPoint);
    return {
      name,
      directory: path.join(mountPoint, cgroup.path),
      aliases: controllers.length > 1 ? controllers.filter((alias) => alias !== name) : [],
      options: controllers.some((controller) => controller.startsWith('name='))
        ? ['none', ...controllers]
        : controllers,
    };
  });
  return { ...joiningOf(cgroup), mounts };
}

/** v1 by files; the v2 of a hybrid layout by clone3, for which an ordinary user may lack the rights. */
function joiningOf(cgroup: Cgroup): Pick<CgroupPlacement, 'joinFiles' | 'directory'> {
  const files = joinFiles(cgroup);
  const directory = unifiedDirectory(cgroup);
  if (directory === undefined || process.geteuid?.() !== 0) return { joinFiles: files };
  return { joinFiles: files.filter((file) => path.dirname(file) !== directory), directory };
}

/**
 * Where a further process of a container goes. A group of cgroup v2 that has given controllers to the groups inside it
 * (systemd, an engine in a container) takes no process itself: then to where the first process, `pid`, is.
 */
export function placementForExec(
  cgroup: Cgroup,
  pid: number,
  subgroups: readonly string[] = [],
): CgroupPlacement {
  if (subgroups.length > 0) return placementInSubgroups(cgroup, subgroups);
  const placement = placementOf(cgroup);
  const { directory } = placement;
  if (directory === undefined || childControllers(directory) === '') return placement;
  const current = /^0::(.*)$/m.exec(fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
  const isInside = current.startsWith(`${cgroup.path}/`);
  return isInside ? placementOf({ ...cgroup, path: current }) : placement;
}

function childControllers(directory: string): string {
  return fs.readFileSync(path.join(directory, 'cgroup.subtree_control'), 'utf8').trim();
}

/** The cgroup of a container that exists, from what its state says. */
export function recordedCgroup(recorded: string | undefined): Cgroup | undefined {
  return recorded === undefined ? undefined : openCgroup(detectCgroups(), recorded);
}

/** One directory of the cgroup, for messages. */
export function firstDirectory(cgroup: Cgroup): string {
  return cgroupDirectories(cgroup)[0] ?? cgroup.path;
}

/** `exec --cgroup`: `path`, or on cgroup v1 `controller,controller:path`, below the container's own group. */
function placementInSubgroups(cgroup: Cgroup, subgroups: readonly string[]): CgroupPlacement {
  const { layout } = cgroup;
  const pathByController = parseSubgroups(subgroups, layout);
  const everywhere = pathByController.get('');
  const inside = (sub: string) => path.posix.join(cgroup.path, sub);
  if (layout.version === 'v2') {
    return placementOf({ ...cgroup, path: inside(everywhere ?? '') });
  }
  const { joinFiles: own, directory } = joiningOf(cgroup);
  const files = own.map((file) => {
    const hierarchy = layout.hierarchies.find(({ mountPoint }) =>
      file.startsWith(`${mountPoint}/`),
    );
    const named = hierarchy?.controllers.map((name) => pathByController.get(name)).find(Boolean);
    const sub = named ?? (hierarchy && everywhere);
    return sub === undefined ? file : path.join(path.dirname(file), sub, path.basename(file));
  });
  const missing = files.find((file) => !fs.existsSync(file));
  if (missing !== undefined) {
    throw new StackError('not_found', `--cgroup: ${path.dirname(missing)} does not exist`);
  }
  return { joinFiles: files, ...(directory !== undefined && { directory }), mounts: [] };
}

/** Paths by controller; the empty name stands for all others. */
function parseSubgroups(
  subgroups: readonly string[],
  { version, hierarchies }: Cgroup['layout'],
): Map<string, string> {
  const known = new Set(hierarchies.flatMap(({ controllers }) => controllers));
  const paths = new Map<string, string>();
  for (const written of subgroups) {
    const colon = written.indexOf(':');
    const names = colon < 0 ? [''] : written.slice(0, colon).split(',');
    const sub = path.posix.normalize(`/${written.slice(colon + 1)}`);
    for (const name of names) {
      const reason =
        name !== '' && version === 'v2'
          ? 'names a controller, but cgroup v2 has one group for all'
          : name !== '' && !known.has(name)
            ? `names controller "${name}", which is not mounted`
            : paths.has(name)
              ? 'is given twice'
              : undefined;
      if (reason !== undefined) {
        throw new StackError('invalid_argument', `--cgroup "${written}": ${reason}`);
      }
      paths.set(name, sub);
    }
  }
  return paths;
}
