/** `GET /info`, as each version of the API has it. */
import fs from 'node:fs';
import os from 'node:os';
import { version as engineVersion } from '#lib/installation/installation';
import type { ReloadableOptions } from '../config/engine-options.ts';
import { isAtLeast, type ApiVersion } from '../http/api-version.ts';
import type { NetworkInfo } from '../network/network-controller.ts';
import type { Engine } from './engine.ts';
import { readHostAbilities, type HostAbilities } from './host-abilities.ts';
import type { RuntimePrograms } from './runtime-programs.ts';
import type { SystemSettings } from './system-backend.ts';
import { now } from './timestamps.ts';

/** The key under which docker gives the features of a runtime (runtime-spec, features.md). */
const featuresKey = 'org.opencontainers.runtime-spec.features';

export interface InfoSources {
  engine: Engine;
  settings: SystemSettings;
  programs: RuntimePrograms;
  eventListeners: number;
}

export async function describeInfo(
  { engine, settings, programs, eventListeners }: InfoSources,
  version: ApiVersion,
): Promise<unknown> {
  const { containers, images, network, runtimes, host, paths, client } = engine;
  const { current } = settings.live;
  const count = (...statuses: string[]): number =>
    containers.list().filter(({ state }) => statuses.includes(state.status)).length;
  const abilities = readHostAbilities();
  const networking = network.info();
  const containerd = await client.version.version({}, { deadlineMs: 5000 });
  const runtime = await programs.version(runtimes.resolve('').binaryName);
  return {
    ID: host.id,
    Containers: containers.list().length,
    ContainersRunning: count('running', 'restarting'),
    ContainersPaused: count('paused'),
    ContainersStopped: count('created', 'exited', 'dead', 'removing'),
    Images: (await images.list({})).length,
    Driver: engine.settings.snapshotter,
    DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']],
    Plugins: {
      Volume: ['local'],
      Network: ['bridge', 'host', 'ipvlan', 'macvlan', 'null'],
      Authorization: null,
      Log: engine.logs.drivers,
    },
    ...limitFields(abilities),
    IPv4Forwarding: abilities.ipv4Forwarding,
    ...(!isAtLeast(version, '1.50') && {
      BridgeNfIptables: abilities.bridgeFilters.ipv4,
      BridgeNfIp6tables: abilities.bridgeFilters.ipv6,
    }),
    Debug: current.debug,
    NFd: fs.readdirSync('/proc/self/fd').length,
    NGoroutines: process.getActiveResourcesInfo().length,
    SystemTime: now(),
    LoggingDriver: engine.logs.defaults.Type,
    CgroupDriver: 'cgroupfs',
    CgroupVersion: host.cgroupVersion,
    NEventsListener: eventListeners,
    KernelVersion: host.kernelVersion,
    OperatingSystem: host.operatingSystem,
    OSVersion: host.osVersion,
    OSType: 'linux',
    Architecture: host.machine,
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: registryConfig(current, version),
    NCPU: host.cpus,
    MemTotal: host.memoryBytes,
    GenericResources: null,
    DockerRootDir: paths.dataRoot,
    HttpProxy: '',
    HttpsProxy: '',
    NoProxy: '',
    Name: os.hostname(),
    Labels: current.labels,
    ExperimentalBuild: false,
    ServerVersion: engineVersion,
    Runtimes: await runtimesOf(engine, programs, version),
    DefaultRuntime: runtimes.defaultName,
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: 'docker-init',
    ContainerdCommit: commit(containerd.revision, version),
    RuncCommit: commit(runtime?.commit, version),
    InitCommit: commit(engineVersion, version),
    SecurityOptions: securityOptions(engine, abilities, version),
    ...addressPools(settings),
    ...(isAtLeast(version, '1.49') && { FirewallBackend: firewall(networking) }),
    CDISpecDirs: [],
    ...(isAtLeast(version, '1.46') && {
      Containerd: {
        Address: settings.containerdAddress,
        Namespaces: { Containers: settings.namespace, Plugins: settings.namespace },
      },
    }),
    Warnings: warnings(settings, abilities, networking),
  };
}

function limitFields(abilities: HostAbilities): object {
  return {
    MemoryLimit: abilities.memory,
    SwapLimit: abilities.swap,
    CpuCfsPeriod: abilities.cpuQuota,
    CpuCfsQuota: abilities.cpuQuota,
    CPUShares: abilities.cpuShares,
    CPUSet: abilities.cpuset,
    PidsLimit: abilities.pids,
    OomKillDisable: abilities.oomKillDisable,
  };
}

async function runtimesOf(
  { runtimes }: Engine,
  programs: RuntimePrograms,
  version: ApiVersion,
): Promise<Record<string, object>> {
  const described: Record<string, object> = {};
  for (const [name, { path }] of Object.entries(runtimes.paths())) {
    const features = isAtLeast(version, '1.44') ? await programs.features(path) : undefined;
    described[name] = {
      path,
      ...(features !== undefined && { status: { [featuresKey]: features } }),
    };
  }
  return described;
}

/** `Expected` is what docker was built with; it always says what there is. */
function commit(id: string | undefined, version: ApiVersion): object {
  const known = id === undefined || id === '' ? 'N/A' : id;
  return { ID: known, ...(!isAtLeast(version, '1.49') && { Expected: known }) };
}

function securityOptions(
  { host, settings, remapping }: Engine,
  { appArmor, seLinux }: HostAbilities,
  version: ApiVersion,
): string[] {
  const { seccomp, cgroupnsMode, noNewPrivileges } = settings.live.current.containers;
  const options = [
    ...(appArmor ? ['name=apparmor'] : []),
    `name=seccomp,profile=${seccomp.name}`,
    ...(seLinux ? ['name=selinux'] : []),
    ...(remapping ? ['name=userns'] : []),
    ...((cgroupnsMode ?? (host.cgroupVersion === '2' && 'private')) === 'private'
      ? ['name=cgroupns']
      : []),
    ...(noNewPrivileges ? ['name=no-new-privileges'] : []),
  ];
  if (isAtLeast(version, '1.25')) return options;
  return options.map((option) => option.replace(/^name=([^,]*).*$/, '$1'));
}

function addressPools({ defaultAddressPools }: SystemSettings): object {
  if (defaultAddressPools.length === 0) return {};
  return {
    DefaultAddressPools: defaultAddressPools.map((pool) => {
      const values = new URLSearchParams(pool.replaceAll(',', '&'));
      return { Base: values.get('base'), Size: Number(values.get('size')) };
    }),
  };
}

function firewall({ firewallIntegration, foreignFilters }: NetworkInfo): object {
  return {
    Driver: 'nftables',
    Info: [
      ['integration', firewallIntegration],
      ...foreignFilters.map(({ chain, accepted }) => [
        'foreign filter',
        `${chain}${accepted ? ' (accepted there)' : ''}`,
      ]),
    ],
  };
}

function warnings(
  { exposed, live }: SystemSettings,
  { missing, ipv4Forwarding }: HostAbilities,
  networking: NetworkInfo,
): string[] | null {
  const all = [
    ...exposed,
    ...(live.current.containers.seccomp.name === 'builtin'
      ? []
      : ['WARNING: daemon is not using the default seccomp profile']),
    ...networking.warnings,
    ...missing.map((what) => `WARNING: No ${what} support`),
    ...(ipv4Forwarding ? [] : ['WARNING: IPv4 forwarding is disabled']),
  ];
  return all.length > 0 ? all : null;
}

function registryConfig(
  { insecureRegistries, registryMirrors }: ReloadableOptions,
  version: ApiVersion,
): unknown {
  const isNetwork = (text: string): boolean => text.includes('/');
  const hubs = insecureRegistries.filter((registry) => !isNetwork(registry));
  return {
    ...(!isAtLeast(version, '1.47') && {
      AllowNondistributableArtifactsCIDRs: null,
      AllowNondistributableArtifactsHostnames: null,
    }),
    InsecureRegistryCIDRs: [...insecureRegistries.filter(isNetwork), ...['::1/128', '127.0.0.0/8']],
    IndexConfigs: {
      'docker.io': {
        Name: 'docker.io',
        Mirrors: registryMirrors,
        Secure: true,
        Official: true,
      },
      ...Object.fromEntries(
        hubs.map((name) => [name, { Name: name, Mirrors: [], Secure: false, Official: false }]),
      ),
    },
    Mirrors: registryMirrors.length > 0 ? registryMirrors : null,
  };
}
