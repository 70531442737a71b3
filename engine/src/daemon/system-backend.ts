/** The daemon behind the system routes: version and info. */
import os from 'node:os';
import { version as engineVersion } from '#lib/installation/installation';
import { newestApiVersion, oldestApiVersion } from '../http/api-version.ts';
import type { ReloadableOptions } from '../config/engine-options.ts';
import type { LiveSettings } from '../config/live-settings.ts';
import type { SystemBackend } from '../routes/system/backend.ts';
import { measureDiskUsage } from './disk-usage.ts';
import type { Engine } from './engine.ts';
import { now } from './timestamps.ts';

export interface SystemSettings {
  live: LiveSettings;
  /** Address of the containerd in use. */
  containerdAddress: string;
  namespace: string;
}

export function systemBackend(engine: Engine, settings: SystemSettings): SystemBackend {
  const { events } = engine;
  return {
    version: () => describeVersion(engine),
    info: () => describeInfo(engine, settings),
    diskUsage: (wanted) => measureDiskUsage(engine, wanted),
    eventsSince: (since) => events.since(since),
    onEvent: (listener) => events.listen(listener),
  };
}

async function describeVersion({ client, host, runtimes }: Engine): Promise<unknown> {
  const containerd = await client.version.version({}, { deadlineMs: 5000 });
  const { binaryName } = runtimes.resolve('');
  const common = {
    ApiVersion: newestApiVersion,
    MinAPIVersion: oldestApiVersion,
    GitCommit: '',
    GoVersion: '',
    Os: 'linux',
    Arch: host.goArchitecture,
    KernelVersion: host.kernelVersion,
    BuildTime: '',
  };
  return {
    Platform: { Name: 'Engine' },
    Version: engineVersion,
    ...common,
    Components: [
      {
        Name: 'Engine',
        Version: engineVersion,
        Details: { ...common, NodeVersion: process.version, Experimental: 'false' },
      },
      {
        Name: 'containerd',
        Version: containerd.version,
        Details: { GitCommit: containerd.revision },
      },
      { Name: runtimes.defaultName, Version: '', Details: { GitCommit: '', Path: binaryName } },
    ],
  };
}

async function describeInfo(engine: Engine, settings: SystemSettings): Promise<unknown> {
  const { containers, images, network, runtimes, host, paths } = engine;
  const all = containers.list();
  const count = (...statuses: string[]): number =>
    all.filter(({ state }) => statuses.includes(state.status)).length;
  const networking = network.info();
  const { current } = settings.live;
  return {
    ID: host.id,
    Containers: all.length,
    ContainersRunning: count('running', 'restarting'),
    ContainersPaused: count('paused'),
    ContainersStopped: count('created', 'exited', 'dead', 'removing'),
    Images: (await images.list({})).length,
    Driver: engine.settings.snapshotter,
    DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']],
    Plugins: {
      Volume: [],
      Network: ['bridge', 'host', 'null'],
      Authorization: null,
      Log: ['json-file', 'none'],
    },
    MemoryLimit: true,
    SwapLimit: host.cgroups.swapLimit,
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
    PidsLimit: true,
    IPv4Forwarding: true,
    Debug: current.debug,
    NFd: 0,
    OomKillDisable: host.cgroupVersion === '1',
    NGoroutines: 0,
    SystemTime: now(),
    LoggingDriver: 'json-file',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: host.cgroupVersion,
    NEventsListener: 0,
    KernelVersion: host.kernelVersion,
    OperatingSystem: host.operatingSystem,
    OSVersion: host.osVersion,
    OSType: 'linux',
    Architecture: host.machine,
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: registryConfig(current),
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
    Runtimes: runtimes.paths(),
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
    InitBinary: '',
    ContainerdCommit: { ID: '' },
    RuncCommit: { ID: '' },
    InitCommit: { ID: '' },
    SecurityOptions: [
      'name=seccomp,profile=builtin',
      ...(host.cgroupVersion === '2' ? ['name=cgroupns'] : []),
    ],
    FirewallBackend: {
      Driver: 'nftables',
      Info: [
        ['integration', networking.firewallIntegration],
        ...networking.foreignFilters.map(({ chain, accepted }) => [
          'foreign filter',
          `${chain}${accepted ? ' (accepted there)' : ''}`,
        ]),
      ],
    },
    CDISpecDirs: [],
    Containerd: {
      Address: settings.containerdAddress,
      Namespaces: { Containers: settings.namespace, Plugins: settings.namespace },
    },
    Warnings: [
      ...networking.warnings,
      ...(host.cgroups.swapLimit ? [] : ['WARNING: No swap limit support']),
    ],
  };
}

function registryConfig({ insecureRegistries, registryMirrors }: ReloadableOptions): unknown {
  const isNetwork = (text: string): boolean => text.includes('/');
  const hubs = insecureRegistries.filter((registry) => !isNetwork(registry));
  return {
    InsecureRegistryCIDRs: ['127.0.0.0/8', ...insecureRegistries.filter(isNetwork)],
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
    Mirrors: registryMirrors,
  };
}
