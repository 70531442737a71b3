/** Everything a container is, as the config.json that a runtime executes. */
import type { ContainerConfig } from '../api/container-config.ts';
import type { HostConfig } from '../api/host-config.ts';
import { defaultMaskedPaths, defaultReadonlyPaths } from '#spec/oci/default-spec';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { containerCapabilities } from './capabilities.ts';
import { containerDevices } from './devices.ts';
import { commandLine, containerEnvironment } from './environment.ts';
import { containerMounts, type EtcFiles, type PlacedMount } from './mounts.ts';
import { containerResources, type CgroupAbilities } from './resources.ts';
import { processRlimits } from './rlimits.ts';
import type { RootFiles } from './root-files.ts';
import { hasInit, initPath } from './init.ts';
import { namespaces, type JoinedNamespaces } from './namespace-modes.ts';
import {
  apparmorProfile,
  parseSecurityOptions,
  seccompFilter,
  type SecurityModules,
} from './security-options.ts';
import type { Remapping } from '../userns/remapping.ts';
import { resolveUser } from './user.ts';

/** Real containerd and runc 1.1 accept no newer one. */
const specVersion = '1.0.2';

export interface ContainerSpecInput {
  /** The daemon's own, in the form of `SecurityOpt`, which overrules them. */
  securityDefaults?: readonly string[];
  id: string;
  config: ContainerConfig;
  /** What links say of other containers. */
  linkVariables?: readonly string[];
  hostConfig: HostConfig;
  mounts: readonly PlacedMount[];
  etc: EtcFiles;
  joined: JoinedNamespaces;
  /** The folder of the host that is its /dev/shm; undefined when that is its own. */
  sharedMemory: string | undefined;
  /** For users and groups. */
  rootFiles: RootFiles;
  cgroupsPath: string;
  cgroups: CgroupAbilities;
  /** The user namespace that it is in; undefined for the host's. */
  remapping?: Pick<Remapping, 'namespacePath' | 'maps'> | undefined;
  /** What the kernel enforces on the host. */
  modules: SecurityModules;
}

/** Compiles a container. Throws invalid_argument, not_found or permission_denied for what cannot be honoured. */
export function containerSpec(input: ContainerSpecInput): RuntimeConfig {
  const { config, hostConfig, mounts, etc, joined, rootFiles, cgroupsPath, cgroups } = input;
  const { remapping } = input;
  const capabilities = containerCapabilities({
    add: hostConfig.CapAdd ?? [],
    drop: hostConfig.CapDrop ?? [],
    privileged: hostConfig.Privileged,
  });
  const security = parseSecurityOptions([
    ...(input.securityDefaults ?? []),
    ...(hostConfig.SecurityOpt ?? []),
  ]);
  const devices = containerDevices(hostConfig);
  const user = resolveUser(config.User, hostConfig.GroupAdd ?? [], rootFiles);
  const surroundings = {
    sharedMemory: input.sharedMemory,
    writableCgroups: security.writableCgroups ?? hostConfig.Privileged,
  };
  const [height, width] = hostConfig.ConsoleSize;
  const hostUts = hostConfig.UTSMode === 'host';
  const seccomp = seccompFilter(security, hostConfig, capabilities);
  const apparmor = apparmorProfile(security, input.modules);
  const init = hasInit(hostConfig);
  return {
    ociVersion: specVersion,
    process: {
      terminal: config.Tty,
      ...(config.Tty && height > 0 && width > 0 && { consoleSize: { height, width } }),
      user,
      args: [...(init ? [initPath, '--'] : []), ...commandLine(config)],
      env: containerEnvironment(config, config.Hostname, input.linkVariables),
      cwd: config.WorkingDir || '/',
      capabilities: {
        bounding: capabilities,
        // An ordinary user starts without; files with capabilities bring back what the bounding set allows.
        ...(user.uid === 0 && { effective: capabilities, permitted: capabilities }),
      },
      rlimits: processRlimits(hostConfig.Ulimits),
      noNewPrivileges: security.noNewPrivileges,
      ...(apparmor !== undefined && { apparmorProfile: apparmor }),
      oomScoreAdj: hostConfig.OomScoreAdj,
    },
    root: { path: 'rootfs', readonly: hostConfig.ReadonlyRootfs },
    ...(!hostUts && { hostname: config.Hostname }),
    mounts: containerMounts(hostConfig, mounts, { etc, ...surroundings }),
    annotations: hostConfig.Annotations ?? {},
    linux: {
      namespaces: namespaces(hostConfig, {
        ...joined,
        ...(remapping && { user: remapping.namespacePath }),
      }),
      ...(remapping && {
        uidMappings: [...remapping.maps.uidMappings],
        gidMappings: [...remapping.maps.gidMappings],
      }),
      cgroupsPath,
      resources: containerResources(hostConfig, devices.rules, cgroups),
      devices: devices.nodes,
      sysctl: sysctls(config, hostConfig, {
        ownNetwork: joined.network !== undefined,
        remapped: remapping !== undefined,
      }),
      maskedPaths: hostConfig.Privileged ? [] : (hostConfig.MaskedPaths ?? [...defaultMaskedPaths]),
      readonlyPaths: hostConfig.Privileged
        ? []
        : (hostConfig.ReadonlyPaths ?? [...defaultReadonlyPaths]),
      ...(seccomp && { seccomp }),
      ...rootPropagation(mounts),
    },
  };
}

/** In a network namespace of its own a container may ping and bind low ports as any user, as docker has it. */
function sysctls(
  { Domainname: domain }: ContainerConfig,
  { Sysctls: chosen = {} }: HostConfig,
  { ownNetwork, remapped }: { ownNetwork: boolean; remapped: boolean },
): Record<string, string> {
  return {
    ...(ownNetwork && {
      'net.ipv4.ip_unprivileged_port_start': '0',
      // Takes no groups that the namespace does not have.
      ...(!remapped && { 'net.ipv4.ping_group_range': '0 2147483647' }),
    }),
    // config.json has a field of its own only since runtime-spec 1.1.
    ...(domain !== '' && { 'kernel.domainname': domain }),
    ...chosen,
  };
}

/** A bind mount that is to propagate needs a root that lets it. */
function rootPropagation(mounts: readonly PlacedMount[]): {
  rootfsPropagation?: 'shared' | 'slave';
} {
  const modes = mounts.flatMap(({ mount }) => (mount.type === 'bind' ? [mount.propagation] : []));
  if (modes.some((mode) => mode.endsWith('shared'))) return { rootfsPropagation: 'shared' };
  if (modes.some((mode) => mode.endsWith('slave'))) return { rootfsPropagation: 'slave' };
  return {};
}
