/** Puts the daemon together, starts it in order, and takes it down in the opposite order. */
import fs from 'node:fs';
import path from 'node:path';
import type { Logger } from '#lib/log/logger';
import { version } from '#lib/installation/installation';
import type { RegistryClient } from '#lib/registry/registry-client';
import { daemonMalloc, daemonRest } from '#lib/memory/daemon-memory';
import { IdleMemory } from '#lib/memory/idle-memory';
import { limitMalloc } from '#lib/sys/malloc';
import { ContainerdClient } from '#proto/containerd-client';
import { messageOf, StackError } from '#spec/errors';
import type { EngineOptions } from './config/engine-options.ts';
import type { LiveSettings } from './config/live-settings.ts';
import type { Configuration } from './config/load-options.ts';
import { claimPidFile } from './config/pid-file.ts';
import { isLite } from './containerd/peer.ts';
import { RuntimeTable } from './containerd/runtimes.ts';
import { ContainerdSupervisor } from './containerd/supervisor.ts';
import { removeEmptyCgroups } from './daemon/cgroup-parent.ts';
import { ContainerStore } from './daemon/container-store.ts';
import type { ContainerLogs } from './daemon/container-logs.ts';
import type { Engine } from './daemon/engine.ts';
import { EventLog } from './daemon/event-log.ts';
import { CreationLease } from './daemon/creation-lease.ts';
import { ExecStore } from './daemon/exec-store.ts';
import { holdVolumes, volumeUsers } from './daemon/container-volumes.ts';
import { readHostFacts } from './daemon/host-facts.ts';
import { ownerLabels } from './daemon/owner.ts';
import { enginePaths, type EnginePaths } from './daemon/paths.ts';
import { releaseStaleMounts } from './daemon/private-mounts.ts';
import { resumeRestartPolicies } from './daemon/recovery.ts';
import { reloadConfiguration } from './daemon/reload.ts';
import { systemBackend } from './daemon/system-backend.ts';
import { watchTasks } from './daemon/task-events.ts';
import type { ActivatedSocket } from './http/activation.ts';
import { apiListeners, exposureWarnings } from './http/api-listeners.ts';
import { ApiServer } from './http/server.ts';
import type { ImageService } from './images/image-service.ts';
import { KernelThread } from './kernel/kernel-thread.ts';
import { EngineMetrics } from './metrics/engine-metrics.ts';
import { exposeMetrics } from './metrics/exposition.ts';
import { measured } from './metrics/measured.ts';
import { serveMetrics } from './metrics/metrics-server.ts';
import { LocalNetworkController } from './network/local-network-controller.ts';
import { parseNetworkFlags } from './network/network-options.ts';
import { Remapping } from './userns/remapping.ts';
import { remappedPlaces } from './userns/remapped-places.ts';
import { RegistryService } from './registry/registry-service.ts';
import { apiRoutes } from './routes/api-routes.ts';
import { VolumeService } from './volumes/volume-service.ts';
import { VolumeStore } from './volumes/volume-store.ts';

/** The parts that main chooses. */
export interface EngineParts {
  createRegistry(settings: LiveSettings): RegistryClient;
  createImages(context: {
    client: ContainerdClient;
    options: EngineOptions;
    registry: RegistryClient;
    store: ContainerStore;
    events: EventLog;
    logger: Logger;
  }): ImageService;
  createLogs(paths: EnginePaths, options: EngineOptions, logger: Logger): ContainerLogs;
  /** After everything runs and before the API answers. */
  beforeListening(engine: Engine): Promise<void>;
}

/** Takes one thing back. */
type UndoStep = () => unknown;

export interface RunningEngine {
  /** Reads the config file again. A file that cannot be used changes nothing and is logged. */
  reload(): void;
  stop(): Promise<void>;
}

/** What it takes to run an engine. */
export interface EngineSetup {
  options: EngineOptions;
  settings: LiveSettings;
  configuration: Configuration;
  /** What the service manager has opened. */
  activated: readonly ActivatedSocket[];
  parts: EngineParts;
  logger: Logger;
}

/** Starts the engine and resolves once its API answers. What was started is stopped again when a step fails. */
export async function runEngine(setup: EngineSetup): Promise<RunningEngine> {
  const undo: UndoStep[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        setup.logger.error('cannot stop cleanly', { error });
      }
    }
  };
  try {
    const engine = await start(setup, undo);
    const reload = (): void => reloadConfiguration(engine, setup.configuration, setup.settings);
    return { reload, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  { options, settings, activated, parts, logger }: EngineSetup,
  undo: UndoStep[],
): Promise<Engine> {
  const { hosts, socketGroup: group, tls } = options;
  limitMalloc(daemonMalloc); // before threads start
  const memory = new IdleMemory(daemonRest);
  undo.push(() => memory.stop());
  const listeners = apiListeners({ hosts, group, tls, activated }, logger);
  const networkOptions = parseNetworkFlags(options.network);
  const registry = parts.createRegistry(settings);
  const { maps, dataRoot, containerdNamespace } = await remappedPlaces(options, logger);
  const paths = enginePaths(dataRoot, path.resolve(options.execRoot));
  await fs.promises.mkdir(paths.execRoot, { recursive: true, mode: 0o711 });
  undo.push(claimPidFile(path.join(paths.dataRoot, 'engined.pid')));
  if (options.pidfile !== undefined) undo.push(claimPidFile(path.resolve(options.pidfile)));

  const containerd = await containerdAddress(options, paths, logger, undo);
  const client = new ContainerdClient(containerd, { namespace: containerdNamespace });
  undo.push(() => client.close());
  const lite = await isLite(client).catch((error: unknown) => {
    throw new StackError(
      'unavailable',
      `cannot reach containerd at ${containerd}: ${messageOf(error)}`,
      { cause: error },
    );
  });

  const kernel = new KernelThread(logger);
  undo.push(() => kernel.close());
  const remapping = maps && new Remapping(maps, paths.execRoot, kernel);
  await remapping?.start();
  const metrics = new EngineMetrics();
  const network = measured(
    new LocalNetworkController({
      ...networkOptions,
      kernel,
      logger,
      dataRoot: paths.dataRoot,
      execRoot: paths.execRoot,
      userNamespace: remapping?.namespacePath,
    }),
    { setUp: 'allocate', connect: 'connect', tearDown: 'release' },
    metrics.networkActions,
  );
  const containers = new ContainerStore(paths.containers, logger);
  await containers.load();
  undo.push(() =>
    remapping?.stop({ containersRun: containers.list().some(({ isRunning }) => isRunning) }),
  );
  const events = new EventLog(path.join(paths.dataRoot, 'events.log'), logger, () => {
    metrics.events.increment();
    memory.touch();
  });
  undo.push(() => events.close());
  const volumeStore = new VolumeStore(paths.volumes, logger, remapping?.root);
  await volumeStore.load();
  const volumes = new VolumeService({
    store: volumeStore,
    users: volumeUsers(containers),
    kernel,
    events,
    logger,
  });
  const creationLease = new CreationLease(client, ownerLabels(paths));
  undo.push(() => creationLease.end());
  const engine: Engine = {
    client,
    images: parts.createImages({ client, options, registry, store: containers, events, logger }),
    network,
    volumes,
    kernel,
    containers,
    creationLease,
    execs: new ExecStore(),
    events,
    runtimes: new RuntimeTable({
      lite,
      added: settings.current.runtimes,
      defaultName: settings.current.defaultRuntime,
      execRoot: paths.execRoot,
    }),
    paths,
    remapping,
    host: await readHostFacts(paths.dataRoot),
    logger,
    settings: {
      cgroupParent: options.cgroupParent,
      snapshotter: options.storageDriver,
      containersTalk: networkOptions.icc,
      live: settings,
    },
    logs: parts.createLogs(paths, options, logger),
    metrics,
  };
  undo.push(() => removeEmptyCgroups(options.cgroupParent));
  await network.start();
  undo.push(() => network.stop());

  const watching = new AbortController();
  undo.push(() => watching.abort());
  const running = containers.list().filter(({ isRunning }) => isRunning);
  // Also of those that came to run while an earlier engine died.
  const { tasks } = await client.tasks.list({});
  const mayRun = new Set([...running, ...tasks].map(({ id }) => id));
  await network.restore([...mayRun]);
  for (const container of containers.list()) {
    if (mayRun.has(container.id)) holdVolumes(engine, container);
  }
  await releaseStaleMounts(engine, mayRun);
  await watchTasks(engine, containerdNamespace, watching.signal);
  undo.push(() => volumes.unmountUnused());
  await volumes.unmountUnused();
  await parts.beforeListening(engine);
  resumeRestartPolicies(engine);

  const system = systemBackend(engine, {
    live: settings,
    containerdAddress: containerd,
    namespace: containerdNamespace,
    defaultAddressPools: options.network.defaultAddressPool ?? [],
    exposed: exposureWarnings(listeners, tls),
  });
  if (options.metricsAddress !== undefined) {
    const expose = (): string => exposeMetrics(engine, system.eventListeners);
    undo.push(await serveMetrics(options.metricsAddress, expose, logger));
  }
  const server = new ApiServer({
    version,
    logger,
    routes: apiRoutes(engine, { system, registry: new RegistryService(registry) }),
    reportCall: (route) => {
      if (route !== '/_ping') memory.touch();
    },
  });
  undo.push(() => server.close());
  for (const listener of listeners) await server.listen(listener);
  memory.touch(); // what the start has left
  logger.info('engined is ready', { hosts, containerd, lite });
  return engine;
}

/** The containerd that was named, or one of our own. */
async function containerdAddress(
  options: EngineOptions,
  paths: EnginePaths,
  logger: Logger,
  undo: UndoStep[],
): Promise<string> {
  if (options.containerd !== undefined) return options.containerd;
  const supervisor = new ContainerdSupervisor({
    dataRoot: paths.dataRoot,
    execRoot: paths.execRoot,
    logLevel: options.reloadable.debug ? 'debug' : options.logLevel,
    logger,
  });
  undo.push(() => supervisor.stop());
  await supervisor.start();
  return supervisor.address;
}
