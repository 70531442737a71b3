/** `POST /containers/create`: from an image and two configurations to a container that can be started. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { securityDefaults } from '../config/container-defaults.ts';
import type { ContainerConfig } from '../api/container-config.ts';
import type { HostConfig } from '../api/host-config.ts';
import { packJson, jsonTypes } from '#proto/any';
import type { Mount } from '#proto/generated/containerd.types';
import { isStackError, messageOf, StackError } from '#spec/errors';
import type { Platform } from '#spec/oci/image';
import type { ImageExecutionConfig } from '#spec/oci/image';
import { defaultMaskedPaths, defaultReadonlyPaths } from '#spec/oci/default-spec';
import type { RunnableImage } from '../images/image-service.ts';
import type { ContainerMount } from '../container-spec/container-mount.ts';
import { containerSpec } from '../container-spec/container-spec.ts';
import { defaultShmSizeBytes } from '../container-spec/mounts.ts';
import { discardUnsupported } from '../container-spec/resources.ts';
import { parseSecurityOptions, securityWarnings } from '../container-spec/security-options.ts';
import { SnapshotRootFiles } from '../container-spec/root-files.ts';
import { checkSupported } from './supported.ts';
import { Container, initialState, type ContainerRecord } from './container.ts';
import { publishContainerEvent } from './container-events.ts';
import {
  containerMountsOf,
  fillVolumes,
  placedMounts,
  prepareVolumes,
} from './container-volumes.ts';
import {
  endpointConfigs,
  networkProvider,
  wantedPorts,
  type EndpointWishes,
} from './container-endpoints.ts';
import type { Engine } from './engine.ts';
import { etcFiles } from './etc-files.ts';
import { mergeHealthchecks } from './health-check.ts';
import { requestedLinks } from './links.ts';
import { generateName } from './names.ts';
import { ownerLabels } from './owner.ts';
import { remappingOf } from './root-mounts.ts';
import { placeholderNamespaces, resolveSharedModes } from './shared-namespaces.ts';
import { now } from './timestamps.ts';

export interface CreateRequest {
  /** Empty lets the engine choose. */
  name: string;
  config: ContainerConfig;
  hostConfig: HostConfig;
  endpoints: EndpointWishes;
  /** Which of an image's; undefined for what its name means here. */
  platform?: Platform | undefined;
  /** Whether read-only binds leave mounts below them writable unless they say otherwise. */
  readOnlyNonRecursive: boolean;
  /** What the client is told besides what there is to say here. */
  warnings: string[];
}

export interface CreatedContainer {
  id: string;
  warnings: string[];
}

/** Creates a container. Throws not_found for the image, conflict for the name, invalid_argument or unimplemented. */
export async function createContainer(
  engine: Engine,
  request: CreateRequest,
): Promise<CreatedContainer> {
  const { containers, images, paths, host } = engine;
  const { name, config: asked, hostConfig: askedOfHost, endpoints, readOnlyNonRecursive } = request;
  if (asked.Image === '') throw new StackError('invalid_argument', 'no image specified');
  const image = await images.get(asked.Image, request.platform);
  const id = randomBytes(32).toString('hex');
  const hostConfig = withDefaults(askedOfHost, engine);
  const config = mergeWithImage(asked, image.config.config ?? {}, id);
  if (hostConfig.UTSMode === 'host' && asked.Hostname !== '') {
    throw new StackError('invalid_argument', 'conflicting options: hostname and the UTS mode');
  }
  if (hostConfig.NetworkMode === 'host' && asked.Hostname === '') config.Hostname = host.name;
  const provider = networkProvider(containers, hostConfig.NetworkMode);
  if (provider) {
    if (asked.Hostname !== '') {
      throw new StackError(
        'invalid_argument',
        'conflicting options: hostname and the network mode',
      );
    }
    hostConfig.NetworkMode = `container:${provider.id}`;
    config.Hostname = provider.record.config.Hostname;
  }
  resolveSharedModes(engine, hostConfig);
  const discarded = discardUnsupported(hostConfig, host.cgroups);
  Object.assign(hostConfig, discarded.changes);
  const links = requestedLinks(engine, hostConfig);
  hostConfig.Links = null;
  const ports = wantedPorts({ config, hostConfig });
  const networks = endpointConfigs(engine.network, hostConfig, config, endpoints);
  checkSupported(config, hostConfig, { remapped: engine.remapping !== undefined });
  const warnings = [
    ...discarded.warnings,
    ...securityWarnings(parseSecurityOptions(hostConfig.SecurityOpt ?? []), host.securityModules),
    ...(ports.length > 0 && hostConfig.NetworkMode === 'host'
      ? ['Published ports are discarded when using host network mode']
      : []),
    ...request.warnings,
  ];
  const wanted = containerMountsOf(engine, config, hostConfig, { readOnlyNonRecursive });
  await checkBindSources(wanted);
  const runtime = engine.runtimes.resolve(hostConfig.Runtime);
  const chosenName = containers.reserveName(
    name || generateName((candidate) => containers.isNameTaken(candidate)),
    id,
  );
  const folder = path.join(paths.containers, id);
  const volumes = await prepareVolumes(engine, wanted).catch((error: unknown) => {
    containers.releaseName(chosenName);
    throw error;
  });
  const record: ContainerRecord = {
    id,
    name: chosenName,
    createdAt: now(),
    config,
    hostConfig,
    mounts: volumes.mounts,
    networks,
    ...(links.length > 0 && { links }),
    imageId: image.id,
    imageName: image.name,
    snapshotter: engine.settings.snapshotter,
    snapshotKey: id,
    runtime: { name: runtime.shim, binaryName: runtime.binaryName },
    state: { ...initialState },
    restartCount: 0,
    manuallyStopped: false,
  };
  const container = new Container(record);
  try {
    await fs.promises.mkdir(folder, { mode: 0o710 });
    container.rootMounts = await registerWithContainerd(engine, record, image);
    await fillVolumes(engine, record);
    await containers.add(container);
  } catch (error) {
    await discard(engine, record);
    await volumes.discard();
    throw error;
  }
  volumes.settle();
  publishContainerEvent(engine, container, 'create');
  return { id, warnings };
}

/**
 * The snapshot and containerd's record, which keeps it from the garbage collector until the container is removed. Returns
 * the snapshot's mounts.
 */
async function registerWithContainerd(
  engine: Engine,
  record: ContainerRecord,
  image: RunnableImage,
): Promise<Mount[]> {
  const { client, runtimes, paths, host, creationLease } = engine;
  const { id, snapshotter, snapshotKey, config, hostConfig } = record;
  const { sharedMemory, ...shared } = placeholderNamespaces(record);
  return creationLease.run(async (lease) => {
    const mounts = await prepareSnapshot(engine, record, image, lease);
    // Compiled here so that a wrong user or device is refused now; start compiles it again with the network.
    const spec = containerSpec({
      id,
      config,
      hostConfig,
      mounts: placedMounts(engine, record),
      etc: etcFiles(path.join(paths.containers, id)),
      joined: {
        network: hostConfig.NetworkMode === 'host' ? undefined : '/proc/self/ns/net',
        ...shared,
      },
      sharedMemory,
      rootFiles: new SnapshotRootFiles(mounts),
      cgroupsPath: cgroupsPath(engine, record),
      remapping: remappingOf(engine, record),
      cgroups: host.cgroups,
      modules: host.securityModules,
      securityDefaults: securityDefaults(engine.settings.live.current.containers, hostConfig),
    });
    const options = runtimes.options(record.runtime, remappingOf(engine, record)?.root);
    await client.containers.create(
      {
        container: {
          id,
          labels: ownerLabels(paths),
          image: image.name,
          runtime: { name: record.runtime.name, options },
          spec: packJson(jsonTypes.spec, spec),
          snapshotter,
          snapshotKey,
        },
      },
      { lease },
    );
    return mounts;
  });
}

/** On the image's layers, which are unpacked first if they are not. */
async function prepareSnapshot(
  engine: Engine,
  record: ContainerRecord,
  image: RunnableImage,
  lease: string,
): Promise<Mount[]> {
  const { client, images, paths } = engine;
  const { snapshotter, snapshotKey: key } = record;
  const remapping = remappingOf(engine, record);
  const prepare = async (): Promise<Mount[]> => {
    const labels = ownerLabels(paths);
    const request = { snapshotter, key, parent: image.chainId, labels };
    const { mounts } = await client.snapshots.prepare(request, { lease });
    if (!remapping) return mounts;
    await remapping.adoptNew(mounts);
    return remapping.inside(mounts);
  };
  try {
    return await prepare();
  } catch (error) {
    if (!isStackError(error, 'not_found') || messageOf(error).includes(lease)) throw error;
  }
  await images.ensureUnpacked(image);
  return prepare();
}

/** Takes back what a failed create has done so far. */
async function discard(
  { client, containers, logger }: Engine,
  record: ContainerRecord,
): Promise<void> {
  const { id, name, snapshotter, snapshotKey } = record;
  containers.releaseName(name);
  const steps = [
    () => client.containers.delete({ id }),
    () => client.snapshots.remove({ snapshotter, key: snapshotKey }),
    () => fs.promises.rm(containers.folderOf(id), { recursive: true, force: true }),
  ];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      if (!isStackError(error, 'not_found')) {
        logger.warn('cannot undo a failed create', { container: id, error });
      }
    }
  }
}

/** Path of the container's group below each cgroup hierarchy. */
export function cgroupsPath({ settings }: Engine, { id, hostConfig }: ContainerRecord): string {
  return path.posix.join('/', hostConfig.CgroupParent || settings.cgroupParent, id);
}

/** docker's rules: env by name, labels by key, Cmd only when the user gave no Entrypoint of their own. */
function mergeWithImage(
  asked: ContainerConfig,
  image: ImageExecutionConfig,
  id: string,
): ContainerConfig {
  const names = new Set((asked.Env ?? []).map((entry) => entry.split('=', 1)[0]));
  const inherited = (image.Env ?? []).filter((entry) => !names.has(entry.split('=', 1)[0]));
  const ownEntrypoint = asked.Entrypoint !== null && asked.Entrypoint.length > 0;
  const ownCommand = asked.Cmd !== null && asked.Cmd.length > 0;
  const stopSignal = asked.StopSignal || image.StopSignal;
  const stopTimeout = asked.StopTimeout ?? image.StopTimeout;
  const exposedPorts = { ...image.ExposedPorts, ...asked.ExposedPorts };
  const volumes = { ...image.Volumes, ...asked.Volumes };
  const healthcheck = mergeHealthchecks(asked.Healthcheck, image.Healthcheck);
  return {
    ...asked,
    Hostname: asked.Hostname || id.slice(0, 12),
    User: asked.User || (image.User ?? ''),
    Env: [...(asked.Env ?? []), ...inherited],
    // [''] is how the CLI says --entrypoint '': none at all. So does [], which leaves the image's Cmd.
    Entrypoint:
      asked.Entrypoint?.join() === '' ? null : (asked.Entrypoint ?? image.Entrypoint ?? null),
    Cmd: ownCommand || ownEntrypoint ? asked.Cmd : (image.Cmd ?? null),
    WorkingDir: asked.WorkingDir || (image.WorkingDir ?? ''),
    Volumes: Object.keys(volumes).length > 0 ? volumes : null,
    Labels: { ...image.Labels, ...asked.Labels },
    ...(Object.keys(exposedPorts).length > 0 && { ExposedPorts: exposedPorts }),
    ...(stopSignal && { StopSignal: stopSignal }),
    ...(stopTimeout !== undefined && { StopTimeout: stopTimeout }),
    ...(healthcheck && { Healthcheck: healthcheck }),
  };
}

function withDefaults(asked: HostConfig, { runtimes, host, logs, settings }: Engine): HostConfig {
  const { containers: defaults } = settings.live.current;
  const mode =
    asked.NetworkMode === '' || asked.NetworkMode === 'default' ? 'bridge' : asked.NetworkMode;
  return {
    ...asked,
    NetworkMode: mode,
    LogConfig: logs.resolve(asked.LogConfig),
    IpcMode: asked.IpcMode || defaults.ipcMode,
    CgroupnsMode:
      asked.CgroupnsMode ||
      (asked.Privileged ? 'host' : defaults.cgroupnsMode) ||
      (host.cgroupVersion === '1' ? 'host' : 'private'),
    ShmSize: asked.ShmSize || defaults.shmSizeBytes || defaultShmSizeBytes,
    ...(defaults.init && asked.Init === undefined && { Init: true }),
    Ulimits: [
      ...asked.Ulimits,
      ...defaults.ulimits.filter(({ Name: name }) =>
        asked.Ulimits.every((ulimit) => ulimit.Name !== name),
      ),
    ],
    Runtime: asked.Runtime || runtimes.defaultName,
    OomKillDisable: asked.OomKillDisable ?? false,
    PidsLimit: (asked.PidsLimit ?? 0) > 0 ? asked.PidsLimit : null,
    MemorySwap: asked.Memory > 0 && asked.MemorySwap === 0 ? 2 * asked.Memory : asked.MemorySwap,
    SecurityOpt: withoutLabel(asked)
      ? [...(asked.SecurityOpt ?? []), 'label=disable']
      : asked.SecurityOpt,
    MaskedPaths: asked.MaskedPaths ?? (asked.Privileged ? null : [...defaultMaskedPaths]),
    ReadonlyPaths: asked.ReadonlyPaths ?? (asked.Privileged ? null : [...defaultReadonlyPaths]),
  };
}

/** Who is that close to the host is kept apart from it by no SELinux label, and inspect says so. */
function withoutLabel({ Privileged, PidMode, IpcMode, SecurityOpt }: HostConfig): boolean {
  const close = Privileged || PidMode === 'host' || IpcMode === 'host';
  return close && !(SecurityOpt ?? []).some((option) => option.split('=', 1)[0] === 'label');
}

/** `-v` creates a missing source when the container starts; `--mount` never does. */
async function checkBindSources(mounts: readonly ContainerMount[]): Promise<void> {
  for (const mount of mounts) {
    if (mount.type !== 'bind' || mount.createSource) continue;
    const { source } = mount;
    try {
      await fs.promises.stat(source);
    } catch {
      throw new StackError(
        'invalid_argument',
        `invalid mount config for type "bind": bind source path does not exist: ${source}`,
      );
    }
  }
}
