/** The parts of the daemon and what they know of each other: made once by main, passed to whoever works with them. */
import type { ContainerdClient } from '#proto/containerd-client';
import type { Logger } from '#lib/log/logger';
import type { LiveSettings } from '../config/live-settings.ts';
import type { RuntimeTable } from '../containerd/runtimes.ts';
import type { ImageService } from '../images/image-service.ts';
import type { EngineMetrics } from '../metrics/engine-metrics.ts';
import type { NetworkController } from '../network/network-controller.ts';
import type { VolumeService } from '../volumes/volume-service.ts';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import type { Remapping } from '../userns/remapping.ts';
import type { ContainerLogs } from './container-logs.ts';
import type { ContainerStore } from './container-store.ts';
import type { CreationLease } from './creation-lease.ts';
import type { EventLog } from './event-log.ts';
import type { ExecStore } from './exec-store.ts';
import type { HostFacts } from './host-facts.ts';
import type { EnginePaths } from './paths.ts';

export interface Engine {
  client: ContainerdClient;
  images: ImageService;
  network: NetworkController;
  volumes: VolumeService;
  kernel: KernelThread;
  containers: ContainerStore;
  creationLease: CreationLease;
  execs: ExecStore;
  events: EventLog;
  runtimes: RuntimeTable;
  paths: EnginePaths;
  /** How the ids of containers differ from the host's; undefined where they do not. */
  remapping: Remapping | undefined;
  host: HostFacts;
  logger: Logger;
  settings: EngineSettings;
  logs: ContainerLogs;
  metrics: EngineMetrics;
}

export interface EngineSettings {
  /** Absolute, below each cgroup hierarchy. */
  cgroupParent: string;
  snapshotter: string;
  /** Whether containers on the default bridge reach each other. */
  containersTalk: boolean;
  /** What a reload can change, as it is now. */
  live: LiveSettings;
}
