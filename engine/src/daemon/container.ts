/** One container: what is kept on disk, and what only this process knows. */
import type { Socket } from 'node:net';
import type { ContainerConfig } from '../api/container-config.ts';
import type { HostConfig } from '../api/host-config.ts';
import type { ContainerMount } from '../container-spec/container-mount.ts';
import type { EndpointConfig } from '../network/network-settings.ts';
import type { ContainerLink } from './links.ts';
import type { Health } from './health.ts';
import type { Mount } from '#proto/generated/containerd.types';
import { Mutex } from './mutex.ts';
import type { OutputSubscriber, TaskOutput } from './output.ts';
import { never } from './timestamps.ts';

export const containerStatuses = [
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
] as const;
export type ContainerStatus = (typeof containerStatuses)[number];

export interface ContainerState {
  status: ContainerStatus;
  /** 0 unless a task exists. */
  pid: number;
  exitCode: number;
  /** Why the last start failed. */
  error: string;
  oomKilled: boolean;
  startedAt: string;
  finishedAt: string;
  /** Only with a health check, since its last start. */
  health?: Health;
}

/** The file `containers/<id>/container.json` below the data root. Only engined reads and writes it. */
export interface ContainerRecord {
  id: string;
  /** Without the leading slash. */
  name: string;
  createdAt: string;
  /** Config as it was asked for, merged with the image's. */
  config: ContainerConfig;
  hostConfig: HostConfig;
  /** Binds and volumes, with the names of anonymous volumes filled in. */
  mounts: ContainerMount[];
  /** The networks it asks for, the one of NetworkMode first; none when it shares another container's. */
  networks: EndpointConfig[];
  /** To containers on the default bridge; absent without any. */
  links?: readonly ContainerLink[];
  /** Digest of the image's config. */
  imageId: string;
  /** Name of the image in containerd. */
  imageName: string;
  snapshotter: string;
  snapshotKey: string;
  /** containerd's name of the runtime, and what it runs. */
  runtime: { name: string; binaryName: string };
  state: ContainerState;
  restartCount: number;
  /** A stop or kill by the user: restart policies leave it alone. */
  manuallyStopped: boolean;
}

export const initialState: ContainerState = {
  status: 'created',
  pid: 0,
  exitCode: 0,
  error: '',
  oomKilled: false,
  startedAt: never,
  finishedAt: never,
};

export class Container {
  record: ContainerRecord;
  /** Held by whatever changes the container's state. */
  readonly mutex = new Mutex();
  /** Clients attached before or while it runs; they carry over to the next start. */
  readonly subscribers = new Set<OutputSubscriber>();
  output: TaskOutput | undefined;
  stdin: Socket | undefined;
  /** Called with each new stdin; attach waits here for the start. */
  readonly stdinListeners = new Set<(stdin: Socket) => void>();
  readonly execIds = new Set<string>();
  readonly #exitListeners = new Set<(state: ContainerState) => void>();
  readonly #removalListeners = new Set<(state: ContainerState) => void>();
  /** Of its snapshot, as a create has got them, until its first start. */
  rootMounts: Mount[] | undefined;
  restartTimer: NodeJS.Timeout | undefined;
  /** Ends the probing of its health. */
  healthChecks: AbortController | undefined;
  /** The last delay before an automatic restart, and when that run began. */
  restartDelayMs = 0;
  /** Whether the last automatic restart found containerd away. */
  restartFailed = false;

  constructor(record: ContainerRecord) {
    this.record = record;
  }

  get id(): string {
    return this.record.id;
  }

  get state(): ContainerState {
    return this.record.state;
  }

  /** Whether a task exists: running or paused. */
  get isRunning(): boolean {
    return this.state.status === 'running' || this.state.status === 'paused';
  }

  /** Resolves with the state at the next exit. */
  nextExit(signal?: AbortSignal): Promise<ContainerState> {
    return once(this.#exitListeners, signal);
  }

  /** Resolves with the last state when the container is gone. */
  removal(signal?: AbortSignal): Promise<ContainerState> {
    return once(this.#removalListeners, signal);
  }

  announceExit(): void {
    for (const listener of [...this.#exitListeners]) listener(this.state);
  }

  announceRemoval(): void {
    for (const listener of [...this.#removalListeners]) listener(this.state);
  }
}

/** A promise for the next call of the listeners; rejects with the signal's reason. */
function once<T>(listeners: Set<(value: T) => void>, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const listener = (value: T): void => {
      finish();
      resolve(value);
    };
    const abort = (): void => {
      finish();
      // The reason of a signal is whatever its controller gave, an Error by default.
      reject(signal?.reason as Error);
    };
    const finish = (): void => {
      listeners.delete(listener);
      signal?.removeEventListener('abort', abort);
    };
    if (signal?.aborted) {
      abort();
      return;
    }
    listeners.add(listener);
    signal?.addEventListener('abort', abort);
  });
}
