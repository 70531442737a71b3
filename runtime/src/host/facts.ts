/** Finds out what the compiler must know about the host. Reads; changes nothing. */
import fs from 'node:fs';
import path from 'node:path';
import { errorCode, StackError } from '#spec/errors';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import type { CgroupPlacement, HostFacts, SecurityModule, SourceKind } from '../compile/input.ts';
import { CAP_SYS_ADMIN } from '../compile/kernel-constants.ts';
import { isBindMount } from '../compile/mount-plan.ts';

export function gatherFacts(config: RuntimeConfig, cgroup: CgroupPlacement): HostFacts {
  const capabilities = ownCapabilities();
  const hasUserNamespace = (config.linux?.namespaces ?? []).some(({ type }) => type === 'user');
  const inUserNamespace = !isInitialUserNamespace();
  return {
    ...capabilityFacts(hasUserNamespace),
    privileged: capabilities.effective.has(CAP_SYS_ADMIN) && !inUserNamespace,
    sources: bindSourceKinds(config),
    mayMakeDevices: !hasUserNamespace && !inUserNamespace,
    securityModules: securityModules(),
    cgroup,
    hasKcore: fs.existsSync('/proc/kcore'),
  };
}

/** A process in a new user namespace holds every capability there, whatever its maker lacks. */
export function capabilityFacts(
  inNewUserNamespace: boolean,
): Pick<HostFacts, 'capabilities' | 'lastCapability'> {
  const lastCapability = Number(fs.readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
  const all = new Set(Array.from({ length: lastCapability + 1 }, (_, number) => number));
  return { capabilities: inNewUserNamespace ? all : ownCapabilities().bounding, lastCapability };
}

/** Those whose labels are enforced here. */
export function securityModules(): Set<SecurityModule> {
  const found = new Set<SecurityModule>();
  if (readIfThere('/sys/module/apparmor/parameters/enabled').startsWith('Y')) found.add('apparmor');
  if (readIfThere('/sys/fs/selinux/enforce') !== '') found.add('selinux');
  return found;
}

function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return '';
  }
}

function ownCapabilities() {
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  const set = (name: string) => {
    const mask = BigInt(
      `0x${new RegExp(`^${name}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0'}`,
    );
    return new Set(
      Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (mask >> BigInt(bit)) & 1n),
    );
  };
  return { effective: set('CapEff'), bounding: set('CapBnd') };
}

/** Only the first user namespace maps all ids to themselves. */
export function isInitialUserNamespace(): boolean {
  const map = fs.readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/);
  return map.join(' ') === '0 0 4294967295';
}

/** The container's side of a bind mount must be what the source is: a directory or a file. */
function bindSourceKinds({ mounts = [] }: RuntimeConfig): Map<string, SourceKind> {
  const kinds = new Map<string, SourceKind>();
  mounts.forEach((mount, index) => {
    const { source } = mount;
    if (source === undefined || !isBindMount(mount)) return;
    try {
      kinds.set(source, kindOf(source));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      throw new StackError(
        'not_found',
        `mounts[${index}].source: stat ${source}: no such file or directory`,
        { cause: error },
      );
    }
  });
  return kinds;
}

function kindOf(source: string): SourceKind {
  if (!fs.statSync(source).isDirectory()) return 'file';
  return fs.realpathSync.native(source) === '/' ? 'host root' : 'directory';
}

/** Relative sources start at the bundle. */
export function resolveSources(config: RuntimeConfig, bundle: string): RuntimeConfig {
  if (!config.mounts) return config;
  const mounts = config.mounts.map((mount) => {
    const { source } = mount;
    if (!isBindMount(mount) || source === undefined || path.isAbsolute(source)) return mount;
    return { ...mount, source: path.join(bundle, source) };
  });
  return { ...config, mounts };
}
