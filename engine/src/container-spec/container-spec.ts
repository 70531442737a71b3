/** Everything a container is, as the config.json that a runtime executes. */
import type { ContainerConfig } from '../api/container-config.ts';
import type { HostConfig } from '../api/host-config.ts';
import { defaultMaskedPaths, defaultReadonlyPaths } from '#spec/oci/default-spec';
import { defaultSeccompProfile } from '#spec/oci/default-seccomp';
import type { Namespace } from '#spec/oci/linux';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { containerCapabilities } from './capabilities.ts';
import { containerDevices } from './devices.ts';
import { commandLine, containerEnvironment } from './environment.ts';
import { containerMounts, type EtcFiles, type PlacedMount } from './mounts.ts';
import { containerResources, processRlimits, type CgroupAbilities } from './resources.ts';
import type { RootFiles } from './root-files.ts';
import { parseSecurityOptions } from './security-options.ts';
import { resolveUser } from './user.ts';

/** Real containerd and runc 1.1 accept no newer one. */
const specVersion = '1.0.2';

export interface ContainerSpecInput {
  id: string;
  config: ContainerConfig;
  hostConfig: HostConfig;
  mounts: readonly PlacedMount[];
  etc: EtcFiles;
  /** The network namespace to join; undefined for the host's. */
  networkNamespace: string | undefined;
  /** For users and groups. */
  rootFiles: RootFiles;
  cgroupsPath: string;
  cgroups: CgroupAbilities;
}

/** Compiles a container. Throws invalid_argument, not_found or permission_denied for what cannot be honoured. */
export function containerSpec(input: ContainerSpecInput): RuntimeConfig {
  const { config, hostConfig, mounts, etc, networkNamespace, rootFiles, cgroupsPath, cgroups } =
    input;
  const capabilities = containerCapabilities({
    add: hostConfig.CapAdd ?? [],
    drop: hostConfig.CapDrop ?? [],
    privileged: hostConfig.Privileged,
  });
  const security = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  const devices = containerDevices(hostConfig);
  const user = resolveUser(config.User, hostConfig.GroupAdd ?? [], rootFiles);
  const [height, width] = hostConfig.ConsoleSize;
  const hostUts = hostConfig.UTSMode === 'host';
  const seccomp =
    hostConfig.Privileged || security.seccomp === 'unconfined'
      ? undefined
      : defaultSeccompProfile(capabilities, process.arch === 'arm64' ? 'arm64' : 'x64');
  return {
    ociVersion: specVersion,
    process: {
      terminal: config.Tty,
      ...(config.Tty && height > 0 && width > 0 && { consoleSize: { height, width } }),
      user,
      args: commandLine(config),
      env: containerEnvironment(config, config.Hostname),
      cwd: config.WorkingDir || '/',
      capabilities: {
        bounding: capabilities,
        // An ordinary user starts without; files with capabilities bring back what the bounding set allows.
        ...(user.uid === 0 && { effective: capabilities, permitted: capabilities }),
      },
      rlimits: processRlimits(hostConfig.Ulimits),
      noNewPrivileges: security.noNewPrivileges,
      oomScoreAdj: hostConfig.OomScoreAdj,
    },
    root: { path: 'rootfs', readonly: hostConfig.ReadonlyRootfs },
    ...(!hostUts && { hostname: config.Hostname }),
    mounts: containerMounts(hostConfig, mounts, etc),
    annotations: hostConfig.Annotations ?? {},
    linux: {
      namespaces: namespaces(hostConfig, networkNamespace),
      cgroupsPath,
      resources: containerResources(hostConfig, devices.rules, cgroups),
      devices: devices.nodes,
      sysctl: sysctls(config, hostConfig, networkNamespace),
      maskedPaths: hostConfig.Privileged ? [] : (hostConfig.MaskedPaths ?? [...defaultMaskedPaths]),
      readonlyPaths: hostConfig.Privileged
        ? []
        : (hostConfig.ReadonlyPaths ?? [...defaultReadonlyPaths]),
      ...(seccomp && { seccomp }),
      ...rootPropagation(mounts),
    },
  };
}

function namespaces(hostConfig: HostConfig, networkNamespace: string | undefined): Namespace[] {
  return [
    { type: 'mount' },
    ...(networkNamespace === undefined
      ? []
      : [{ type: 'network' as const, path: networkNamespace }]),
    ...(hostConfig.UTSMode === 'host' ? [] : [{ type: 'uts' as const }]),
    ...(hostConfig.PidMode === 'host' ? [] : [{ type: 'pid' as const }]),
    ...(hostConfig.IpcMode === 'host' ? [] : [{ type: 'ipc' as const }]),
    ...(hostConfig.CgroupnsMode === 'private' ? [{ type: 'cgroup' as const }] : []),
  ];
}

/** In a network namespace of its own a container may ping and bind low ports as any user, as docker has it. */
function sysctls(
  { Domainname: domain }: ContainerConfig,
  { Sysctls: chosen = {} }: HostConfig,
  networkNamespace: string | undefined,
): Record<string, string> {
  return {
    ...(networkNamespace !== undefined && {
      'net.ipv4.ip_unprivileged_port_start': '0',
      'net.ipv4.ping_group_range': '0 2147483647',
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
