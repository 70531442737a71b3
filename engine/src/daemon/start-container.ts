/** Starting a container: network, files, spec, FIFOs, task. What fails half-way is undone. */
import { securityDefaults } from '../config/container-defaults.ts';
import fs from 'node:fs';
import path from 'node:path';
import { jsonTypes, packJson } from '#proto/any';
import type { Mount } from '#proto/generated/containerd.types';
import { isStackError, messageOf, StackError } from '#spec/errors';
import { createStdio, openFifoWriter, removeStdio, type StdioPaths } from '../containerd/fifo.ts';
import { containerSpec } from '../container-spec/container-spec.ts';
import { checkPropagation } from '../container-spec/propagation.ts';
import type { EtcFiles } from '../container-spec/mounts.ts';
import { SnapshotRootFiles, type SnapshotMount } from '../container-spec/root-files.ts';
import type { ContainerNetwork } from '../network/network-controller.ts';
import { allHostNameServers } from '../network/resolv-conf.ts';
import type { Owner } from '../userns/id-map.ts';
import type { Container } from './container.ts';
import { publishContainerEvent } from './container-events.ts';
import { endpointRequest, networkProvider, wantedPorts } from './container-endpoints.ts';
import { cgroupsPath } from './create-container.ts';
import type { Engine } from './engine.ts';
import { etcFiles, writeEtcFiles } from './etc-files.ts';
import { linkVariables, tellParents } from './links.ts';
import { startHealthChecks } from './health.ts';
import { stdioFolder, stdioFolders } from './paths.ts';
import { discardTask } from './leftovers.ts';
import { leaveNetworks, publishJoined } from './network-events.ts';
import {
  mountVolumes,
  placedMounts,
  publishVolumeMounts,
  unmountVolumes,
} from './container-volumes.ts';
import { remappingOf, rootMountsOf } from './root-mounts.ts';
import { bindSubpaths, mountSharedMemory, releasePrivateMounts } from './private-mounts.ts';
import { lendsSharedMemory, sharedNamespaces } from './shared-namespaces.ts';
import { allotRealtime } from './realtime-budget.ts';
import { removeLocked } from './remove-container.ts';
import { startFailure } from './start-failure.ts';
import { never, now } from './timestamps.ts';

/** Starts a container. Throws not_modified when it runs, conflict in states that do not allow it. */
export async function startContainer(engine: Engine, container: Container): Promise<void> {
  await container.mutex.run(async () => {
    const { status } = container.state;
    if (status === 'running') throw new StackError('not_modified', 'container is already running');
    if (status === 'paused') {
      throw new StackError('conflict', 'cannot start a paused container, try unpause instead');
    }
    if (status === 'removing' || status === 'dead') {
      throw new StackError('conflict', 'container is marked for removal and cannot be started');
    }
    cancelRestart(container);
    container.record.manuallyStopped = false;
    container.record.restartCount = 0;
    container.restartDelayMs = 0;
    await launchLocked(engine, container);
  });
}

/** Takes back a restart that a policy has planned. */
export function cancelRestart(container: Container): void {
  clearTimeout(container.restartTimer);
  container.restartTimer = undefined;
}

/**
 * Starts a container whose mutex the caller holds. A failure is kept in its state, with docker's exit code for it, and
 * a container that removes itself is removed. Where the caller tries again, a containerd that is away changes nothing.
 */
export async function launchLocked(
  engine: Engine,
  container: Container,
  { triesAgain = false } = {},
): Promise<void> {
  const undo: (() => Promise<unknown>)[] = [];
  try {
    await launch(engine, container, undo);
  } catch (error) {
    for (const step of undo.reverse()) {
      try {
        await step();
      } catch (failure) {
        if (!isStackError(failure, 'not_found')) {
          engine.logger.warn('cannot undo a failed start', {
            container: container.id,
            error: failure,
          });
        }
      }
    }
    if (triesAgain && isStackError(error, 'unavailable')) throw error;
    const failure = startFailure(error, container.record.config);
    const { state } = container.record;
    container.record.state = {
      ...state,
      status: state.startedAt === never ? 'created' : 'exited',
      pid: 0,
      exitCode: failure.exitCode,
      error: messageOf(failure.error),
    };
    await engine.containers.save(container);
    container.announceExit();
    if (container.record.hostConfig.AutoRemove) await removeLocked(engine, container);
    throw failure.error;
  }
}

async function launch(
  engine: Engine,
  container: Container,
  undo: (() => Promise<unknown>)[],
): Promise<void> {
  const { client, containers, paths } = engine;
  const { record, id } = container;
  undo.push(() => leaveNetworks(engine, id));
  undo.push(() => unmountVolumes(engine, container));
  undo.push(() => releasePrivateMounts(engine, id));
  const [mounts, place] = await Promise.all([
    rootMounts(engine, container),
    joinNetworks(engine, container),
    createBindSources(engine, container),
    mountVolumes(engine, container).then(() => bindSubpaths(engine, record)),
    lendsSharedMemory(record) && mountSharedMemory(engine, record),
  ]);
  publishVolumeMounts(engine, container);
  allotRealtime(cgroupsPath(engine, record), record.hostConfig);
  const choice = { stdin: record.config.OpenStdin, terminal: record.config.Tty };
  undo.push(() => removeStdio(stdioFolders(paths, id)));
  const [stdio] = await Promise.all([
    createStdio(stdioFolder(paths, id), choice),
    updateSpec(engine, container, mounts, place),
    place.network && writeEtcFiles(engine, record, place.network),
    place.network && tellParents(engine, id, place.network.endpoints),
  ]);
  const output = await engine.logs.open(container, stdio);
  container.output = output;
  let created = false;
  undo.push(async () => {
    container.output = undefined;
    // A runtime that fails also complains on the stderr it was given; as with docker, that is no output to keep.
    await (created ? output.close() : output.discard());
  });
  // Whatever came of it: an answer that got lost may have been a yes.
  undo.push(() => discardTask(engine, container));
  await client.tasks.create({
    containerId: id,
    rootfs: mounts,
    ...stdio,
    terminal: record.config.Tty,
    options: engine.runtimes.options(record.runtime, remappingOf(engine, record)?.root),
  });
  created = true;
  // Not earlier: what comes before is the runtime's own complaint about a container that it could not make.
  for (const subscriber of container.subscribers) output.subscribe(subscriber);
  openStdin(container, stdio);
  undo.push(async () => {
    container.stdin?.destroy();
    container.stdin = undefined;
  });
  record.state.oomKilled = false; // before the start: a report may overtake its answer
  const { pid } = await client.tasks.start({ containerId: id });
  record.state = {
    ...record.state,
    status: 'running',
    pid,
    exitCode: 0,
    error: '',
    startedAt: now(),
  };
  delete record.state.health;
  startHealthChecks(engine, container);
  await containers.save(container);
  publishContainerEvent(engine, container, 'start');
}

async function rootMounts(engine: Engine, container: Container): Promise<Mount[]> {
  const { rootMounts: known, record } = container;
  container.rootMounts = undefined; // later the snapshotter is asked: it may have been restarted on another root
  return known ?? rootMountsOf(engine, record);
}

/** Opens the engine's end of stdin and hands it to attached clients that wait for it. */
export function openStdin(container: Container, { stdin }: StdioPaths): void {
  if (stdin === '') return;
  const writer = openFifoWriter(stdin);
  writer.on('error', () => writer.destroy()); // nobody reads any more
  container.stdin = writer;
  for (const listener of container.stdinListeners) listener(writer);
}

/** Where a container stands in the network. */
interface NetworkPlace {
  /** Its own networks; undefined when it shares those of another container. */
  network: ContainerNetwork | undefined;
  /** Undefined for the host's. */
  netnsPath: string | undefined;
  etc: EtcFiles;
}

async function joinNetworks(engine: Engine, container: Container): Promise<NetworkPlace> {
  const place = await setUpNetwork(engine, container);
  if (place.network) publishJoined(engine, container.id);
  return place;
}

async function setUpNetwork(engine: Engine, { record }: Container): Promise<NetworkPlace> {
  const { network, containers } = engine;
  const provider = networkProvider(containers, record.hostConfig.NetworkMode);
  if (!provider) {
    const place = await network.setUp(record.id, {
      endpoints: record.networks.map((config) => endpointRequest(record, config)),
      nameServers: record.hostConfig.Dns.length > 0 ? record.hostConfig.Dns : allHostNameServers(),
      ports: wantedPorts(record),
    });
    const etc = etcFiles(containers.folderOf(record.id));
    return { network: place, netnsPath: place.netnsPath, etc };
  }
  const shared = network.get(provider.id);
  if (!provider.isRunning || !shared) {
    throw new StackError(
      'conflict',
      `cannot join network of a non running container: ${provider.id}`,
    );
  }
  const etc = etcFiles(containers.folderOf(provider.id));
  return { network: undefined, netnsPath: shared.netnsPath, etc };
}

async function createBindSources(engine: Engine, { record }: Container): Promise<void> {
  for (const mount of record.mounts) {
    if (mount.type !== 'bind') continue;
    if (mount.createSource) await makeFolders(mount.source, engine.remapping?.root);
    checkPropagation(mount);
  }
}

/** What is made belongs to `owner`; what is there stays as it is. */
async function makeFolders(folder: string, owner: Owner | undefined): Promise<void> {
  const first = await fs.promises.mkdir(folder, { recursive: true, mode: 0o755 });
  if (first === undefined || !owner) return;
  for (let made = folder; made.startsWith(first); made = path.dirname(made)) {
    await fs.promises.chown(made, owner.uid, owner.gid);
  }
}

async function updateSpec(
  engine: Engine,
  { record }: Container,
  mounts: readonly SnapshotMount[],
  { netnsPath, etc }: NetworkPlace,
): Promise<void> {
  const { client, host } = engine;
  const { sharedMemory, ...shared } = sharedNamespaces(engine, record);
  const spec = containerSpec({
    id: record.id,
    config: record.config,
    hostConfig: record.hostConfig,
    linkVariables: linkVariables(engine, record),
    mounts: placedMounts(engine, record),
    etc,
    joined: { network: netnsPath, ...shared },
    sharedMemory,
    rootFiles: new SnapshotRootFiles(mounts),
    cgroupsPath: cgroupsPath(engine, record),
    remapping: remappingOf(engine, record),
    cgroups: host.cgroups,
    modules: host.securityModules,
    securityDefaults: securityDefaults(engine.settings.live.current.containers, record.hostConfig),
  });
  await client.containers.update({
    container: { id: record.id, spec: packJson(jsonTypes.spec, spec) },
    updateMask: { paths: ['spec'] },
  });
}
