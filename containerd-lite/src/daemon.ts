/** The daemon's parts, built and connected; start and stop. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { StackError } from '#spec/errors';
import { executablePath } from '#lib/installation/installation';
import type { Logger } from '#lib/log/logger';
import { daemonMalloc, daemonRest } from '#lib/memory/daemon-memory';
import { IdleMemory } from '#lib/memory/idle-memory';
import { limitMalloc } from '#lib/sys/malloc';
import { ContainersService } from '#proto/generated/containerd.services.containers.v1';
import { ContentService } from '#proto/generated/containerd.services.content.v1';
import { DiffService } from '#proto/generated/containerd.services.diff.v1';
import { EventsService as TtrpcEventsService } from '#proto/generated/containerd.services.events.ttrpc.v1';
import { EventsService } from '#proto/generated/containerd.services.events.v1';
import { ImagesService } from '#proto/generated/containerd.services.images.v1';
import { IntrospectionService } from '#proto/generated/containerd.services.introspection.v1';
import { LeasesService } from '#proto/generated/containerd.services.leases.v1';
import { NamespacesService } from '#proto/generated/containerd.services.namespaces.v1';
import { StreamingService } from '#proto/generated/containerd.services.streaming.v1';
import { SnapshotsService } from '#proto/generated/containerd.services.snapshots.v1';
import { TasksService } from '#proto/generated/containerd.services.tasks.v1';
import { TransferService } from '#proto/generated/containerd.services.transfer.v1';
import { VersionService } from '#proto/generated/containerd.services.version.v1';
import { HealthService } from '#proto/generated/grpc.health.v1';
import { GrpcServer } from '#proto/server';
import { TtrpcServer } from '#proto/ttrpc-server';
import type { Config } from './config/config.ts';
import { Containers } from './containers/containers.ts';
import { ContentStore } from './content/content-store.ts';
import { LayerApplication } from './diff/apply.ts';
import { LayerComparison } from './diff/compare.ts';
import { Exchange } from './events/exchange.ts';
import { GarbageCollector } from './gc/garbage-collector.ts';
import { Images } from './images/images.ts';
import { Leases } from './leases/leases.ts';
import { lockFolder } from './metadata/lock-file.ts';
import { MetadataStore } from './metadata/metadata-store.ts';
import { Namespaces } from './namespaces/namespaces.ts';
import { containersService } from './services/containers-service.ts';
import { contentService } from './services/content-service.ts';
import { diffService } from './services/diff-service.ts';
import { eventsService, ttrpcEventsService } from './services/events-service.ts';
import { imagesService } from './services/images-service.ts';
import {
  healthService,
  introspectionService,
  versionService,
} from './services/introspection-service.ts';
import { leasesService } from './services/leases-service.ts';
import { namespacesService } from './services/namespaces-service.ts';
import { snapshotsService } from './services/snapshots-service.ts';
import { streamingService } from './services/streaming-service.ts';
import { tasksService } from './services/tasks-service.ts';
import { transferService } from './services/transfer-service.ts';
import { BtrfsSnapshotter, liesOnBtrfs } from './snapshots/btrfs-snapshotter.ts';
import { NativeSnapshotter } from './snapshots/native-snapshotter.ts';
import { OverlaySnapshotter } from './snapshots/overlay-snapshotter.ts';
import { SnapshotStore } from './snapshots/snapshot-store.ts';
import { Streams } from './streaming/streams.ts';
import { Bundles } from './tasks/bundle.ts';
import { Checkpoints } from './tasks/checkpoints.ts';
import { Exits } from './tasks/exits.ts';
import { LiveTasks } from './tasks/live-tasks.ts';
import { resolveRuntime } from './tasks/runtime-binary.ts';
import { SharedRuntime } from './tasks/shared-runtime.ts';
import { StandbyShims } from './tasks/standby-shims.ts';
import { Tasks } from './tasks/tasks.ts';
import { Transfers } from './transfer/transfers.ts';
import { FileWorker } from './worker/file-worker.ts';

/** Layers that are unpacked at the same time while they are pulled. */
const pullThreads = 4;

export interface Daemon {
  /** Stops serving; containers run on. */
  stop(): Promise<void>;
}

/** Resolves when both sockets are served. Throws unavailable where folder or socket are in use by another process. */
export async function startDaemon(config: Config, log: Logger): Promise<Daemon> {
  const { root, state, address } = config;
  limitMalloc(daemonMalloc); // before threads start
  lockFolder(root);
  await freeSocket(address);
  fs.mkdirSync(state, { recursive: true, mode: 0o711 });
  const folder = (plugin: string) => path.join(root, plugin);
  const metadata = new MetadataStore(folder('io.containerd.metadata.v1.lmdb'));
  const workerSettings = {
    scratch: folder('io.containerd.differ.v1.walking'),
    limits: config.layerLimits,
  };
  const worker = new FileWorker(workerSettings);
  const pullWorker = new FileWorker(workerSettings, pullThreads);
  const leases = new Leases(metadata);
  const content = new ContentStore(folder('io.containerd.content.v1.content'), metadata, leases);
  const btrfsFolder = folder('io.containerd.snapshotter.v1.btrfs');
  const snapshots = [
    new OverlaySnapshotter(folder('io.containerd.snapshotter.v1.overlayfs'), worker),
    new NativeSnapshotter(folder('io.containerd.snapshotter.v1.native'), worker),
    ...(liesOnBtrfs(btrfsFolder) ? [new BtrfsSnapshotter(btrfsFolder, worker)] : []),
  ].map((snapshotter) => new SnapshotStore(snapshotter, metadata, leases));
  const gc = new GarbageCollector({ metadata, content, snapshots, log });
  const exchange = new Exchange();
  const images = new Images(metadata);
  const streams = new Streams();
  const transfers = new Transfers({
    content,
    images,
    snapshots,
    leases,
    gc,
    exchange,
    streams,
    worker: pullWorker,
    ...(config.registryHosts !== undefined && { hostsFolder: config.registryHosts }),
  });
  const containers = new Containers(metadata);
  const binFolder = path.dirname(executablePath('containerd-lite'));
  const bundles = new Bundles({ root, state }, worker);
  const exits = new Exits(metadata);
  const environment = {
    address,
    publishBinary: executablePath('containerd-lite'),
    debug: config.logLevel === 'debug' || config.logLevel === 'trace',
  };
  const standbys = new StandbyShims({
    shimPath: executablePath('containerd-shim-lite-v2'),
    size: config.shimPool,
    recycled: config.recycledShims,
    environment,
    runtime: SharedRuntime.in(state, log),
    log,
  });
  const live = new LiveTasks({ bundles, exits, exchange, environment, standbys, log });
  const tasks = new Tasks({
    bundles,
    exits,
    exchange,
    live,
    resolveRuntime: (name) =>
      resolveRuntime(name, {
        configured: config.runtimes,
        binFolder,
        searchPath: process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin',
      }),
  });

  const application = new LayerApplication(content, worker);
  const comparison = new LayerComparison(content, worker, log);
  const checkpoints = new Checkpoints({ content, comparison, application });

  const reportBug = (error: unknown, call: string) => log.error('a call failed', { call, error });
  const memory = new IdleMemory(daemonRest);
  memory.touch(); // what the start has left
  const reportCall = (call: string, durationMs: number) => {
    if (!call.startsWith(HealthService.serviceName)) memory.touch();
    log.debug('call', { call, durationMs });
  };
  const grpc = new GrpcServer({ reportBug, reportCall });
  const snapshotters = snapshots.map(({ snapshotter }) => snapshotter.name);
  // What clients are told is on the disk. Health does not wait for disks.
  const settled = () => metadata.settled();
  grpc.serve(ContainersService, containersService({ containers, tasks, exchange, gc }), settled);
  grpc.serve(ContentService, contentService(content, exchange, gc), settled);
  grpc.serve(DiffService, diffService(application, comparison), settled);
  grpc.serve(EventsService, eventsService(exchange, tasks), settled);
  grpc.serve(HealthService, healthService());
  grpc.serve(ImagesService, imagesService(images, exchange, gc), settled);
  grpc.serve(IntrospectionService, introspectionService(root, snapshotters));
  grpc.serve(LeasesService, leasesService(leases, gc), settled);
  grpc.serve(NamespacesService, namespacesService(new Namespaces(metadata), exchange), settled);
  grpc.serve(SnapshotsService, snapshotsService(snapshots, exchange, gc), settled);
  grpc.serve(StreamingService, streamingService(streams));
  grpc.serve(TasksService, tasksService(tasks, containers, checkpoints), settled);
  grpc.serve(TransferService, transferService(transfers), settled);
  grpc.serve(VersionService, versionService());
  const ttrpc = new TtrpcServer({ reportBug, reportCall });
  ttrpc.serve(TtrpcEventsService, ttrpcEventsService(tasks));

  // Shims report over ttrpc, so it is there before they are looked for; clients come when their tasks are known.
  await ttrpc.listen({ path: `${address}.ttrpc` });
  await live.load();
  await grpc.listen(address);
  for (const socket of [address, `${address}.ttrpc`]) fs.chmodSync(socket, 0o660);
  gc.schedule();
  standbys.fill();
  return {
    async stop() {
      memory.stop();
      await grpc.close();
      ttrpc.close();
      live.close();
      await standbys.close();
      await gc.stop();
      await worker.close();
      await pullWorker.close();
      await metadata.close();
    },
  };
}

/** Removes sockets that a killed process left. Throws unavailable if somebody still answers there. */
async function freeSocket(address: string): Promise<void> {
  fs.mkdirSync(path.dirname(address), { recursive: true, mode: 0o711 });
  if (await isAnswered(address)) {
    throw new StackError('unavailable', `another process serves ${address}`);
  }
  fs.rmSync(address, { force: true });
  fs.rmSync(`${address}.ttrpc`, { force: true });
}

async function isAnswered(address: string): Promise<boolean> {
  const socket = net.connect(address);
  return new Promise((resolve) => {
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>; // resolved with nothing else
}
