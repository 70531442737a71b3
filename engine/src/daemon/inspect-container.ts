/** `GET /containers/{id}/json`: docker's shape, zero values included. */
import { unsupportedHostConfig } from '../api/unsupported-host-config.ts';
import { checkedDestination } from '../container-spec/container-mount.ts';
import { networkSettings, type NetworkSettings } from '../network/network-settings.ts';
import type { Container, ContainerRecord } from './container.ts';
import type { Engine } from './engine.ts';
import { etcFiles } from './etc-files.ts';
import { describeLinks } from './links.ts';
import type { Health } from './health.ts';

/** Everything that clients see of a container. */
export function inspectContainer(engine: Engine, container: Container): unknown {
  const { containers } = engine;
  const { record } = container;
  const { config, hostConfig, state, id } = record;
  const shared = hostConfig.NetworkMode.startsWith('container:')
    ? hostConfig.NetworkMode.slice('container:'.length)
    : id;
  // Clients of newer versions ask for it with the network.
  const mac = record.networks[0]?.mac || config.MacAddress;
  const etc = etcFiles(containers.folderOf(shared));
  const [path = '', ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  return {
    Id: id,
    Created: record.createdAt,
    Path: path,
    Args: args,
    State: {
      Status: state.status,
      Running: container.isRunning || state.status === 'restarting',
      Paused: state.status === 'paused',
      Restarting: state.status === 'restarting',
      OOMKilled: state.oomKilled,
      Dead: state.status === 'dead',
      Pid: state.pid,
      ExitCode: state.exitCode,
      Error: state.error,
      StartedAt: state.startedAt,
      FinishedAt: state.finishedAt,
      ...(state.health && { Health: healthOf(state.health) }),
    },
    Image: record.imageId,
    ResolvConfPath: etc.resolvConf,
    HostnamePath: etc.hostname,
    HostsPath: etc.hosts,
    LogPath: engine.logs.path(container),
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: record.snapshotter,
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: container.execIds.size > 0 ? [...container.execIds] : null,
    HostConfig: {
      ...unsupportedHostConfig,
      ...hostConfig,
      Links: describeLinks(containers, record),
    },
    GraphDriver: { Name: record.snapshotter, Data: null },
    Mounts: mountPoints(engine, record),
    Config: { ...config, ...(mac && { MacAddress: mac }) },
    NetworkSettings: networkSettingsOf(engine, record),
  };
}

function healthOf({ status, failingStreak, log }: Health): object {
  return {
    Status: status,
    FailingStreak: failingStreak,
    Log: log.map(({ start, end, exitCode, output }) => ({
      Start: start,
      End: end,
      ExitCode: exitCode,
      Output: output,
    })),
  };
}

/** Binds, volumes and tmpfs mounts that --mount asked for, as `Mounts` of inspect and list. */
export function mountPoints(
  { volumes }: Pick<Engine, 'volumes'>,
  { mounts, hostConfig }: ContainerRecord,
): unknown[] {
  const tmpfs = (hostConfig.Mounts ?? []).filter(({ Type }) => Type === 'tmpfs');
  const memory = tmpfs.map(({ Target: target, ReadOnly: readonly = false }) => ({
    Type: 'tmpfs',
    Source: '',
    Destination: checkedDestination(target),
    Mode: '',
    RW: !readonly,
    Propagation: '',
  }));
  const others = mounts.map((mount) => ({
    Type: mount.type,
    ...(mount.type === 'volume' && { Name: mount.name }),
    Source: mount.type === 'bind' ? mount.source : volumes.dataFolder(mount.name),
    Destination: mount.destination,
    ...(mount.type === 'volume' && { Driver: 'local' }),
    Mode: mount.mode,
    RW: mount.writable,
    Propagation: mount.type === 'bind' ? mount.propagation : '',
  }));
  return [...others, ...memory];
}

/** Addresses while it runs; the network's name and id always. */
export function networkSettingsOf(
  { network }: Engine,
  { networks, config, id }: ContainerRecord,
): NetworkSettings {
  return networkSettings(
    networks,
    network.get(id),
    (name) => network.idOf(name) ?? '',
    Object.keys(config.ExposedPorts ?? {}),
  );
}
