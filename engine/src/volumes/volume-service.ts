/** Volumes as containers and the API use them: made, counted, mounted where they are mounts, removed. */
import { randomBytes } from 'node:crypto';
import { Turns } from '#lib/concurrency/turns';
import type { Logger } from '#lib/log/logger';
import { mountAt, readMounts } from '#lib/mounts/mountinfo';
import { messageOf, StackError } from '#spec/errors';
import { checkedVolumeName } from '../container-spec/container-mount.ts';
import type { EventLog } from '../daemon/event-log.ts';
import { now } from '../daemon/timestamps.ts';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import { checkDriverOptions, driverMount, isMounted, type DriverOptions } from './local-driver.ts';
import type { VolumeRecord, VolumeStore } from './volume-store.ts';

export interface VolumeRequest {
  /** Empty for an anonymous volume. */
  name: string;
  driver: string;
  options: DriverOptions;
  labels: Readonly<Record<string, string>>;
}

/** Containers that have a volume, running or not. */
export type VolumeUsers = (name: string) => string[];

/** What this needs of the engine. */
interface Surroundings {
  store: VolumeStore;
  users: VolumeUsers;
  kernel: KernelThread;
  events: EventLog;
  logger: Logger;
}

export class VolumeService {
  readonly #store: VolumeStore;
  readonly #users: VolumeUsers;
  readonly #kernel: KernelThread;
  readonly #events: EventLog;
  readonly #logger: Logger;
  /** By volume: creating, mounting and removing wait for each other. */
  readonly #turns = new Turns();
  /** Volumes that a container being created has been promised. */
  readonly #promised = new Map<string, number>();
  /** By volume: the containers that start or run with it, by whose count its mount comes and goes. */
  readonly #holders = new Map<string, Set<string>>();

  constructor({ store, users, kernel, events, logger }: Surroundings) {
    this.#store = store;
    this.#users = users;
    this.#kernel = kernel;
    this.#events = events;
    this.#logger = logger;
  }

  list(): VolumeRecord[] {
    return this.#store.list();
  }

  /** Throws not_found. */
  get(name: string): VolumeRecord {
    return this.#store.get(name);
  }

  dataFolder(name: string): string {
    return this.#store.dataFolder(name);
  }

  /** Containers that mount a volume. */
  usersOf(name: string): string[] {
    return this.#users(name);
  }

  /** Makes a volume, or returns the one that has the name. Throws invalid_argument, or not_found for its driver. */
  async create(request: VolumeRequest): Promise<VolumeRecord> {
    const { driver, options, labels } = request;
    if (driver !== '' && driver !== 'local') {
      throw new StackError(
        'not_found',
        `error looking up volume plugin ${driver}: plugin "${driver}" not found`,
      );
    }
    checkDriverOptions(options);
    const anonymous = request.name === '';
    const name = anonymous ? randomBytes(32).toString('hex') : checkedVolumeName(request.name);
    return this.#turns.take(name, async () => {
      const present = this.#store.find(name);
      if (present) return present;
      const volume: VolumeRecord = {
        name,
        createdAt: now(),
        labels: { ...labels, ...(anonymous && { 'com.docker.volume.anonymous': '' }) },
        options: { ...options },
        anonymous,
      };
      await this.#store.add(volume);
      this.#events.publish('volume', 'create', name, { driver: 'local' });
      return volume;
    });
  }

  /** Keeps a volume from being removed until the container that is to have it exists. Returns how to end that. */
  promise(name: string): () => void {
    this.#promised.set(name, (this.#promised.get(name) ?? 0) + 1);
    return () => {
      const left = (this.#promised.get(name) ?? 1) - 1;
      if (left > 0) this.#promised.set(name, left);
      else this.#promised.delete(name);
    };
  }

  /** Notes a container that has the volume since an earlier run of the engine; to be called before anything ends. */
  hold(name: string, containerId: string): void {
    const holders = this.#holders.get(name) ?? new Set();
    this.#holders.set(name, holders.add(containerId));
  }

  /** Makes the volume's files appear in its data folder, for a container that starts. */
  async mount(name: string, containerId: string): Promise<void> {
    await this.#turns.take(name, async () => {
      const { options } = this.#store.get(name);
      this.hold(name, containerId);
      if (!isMounted(options)) return;
      const target = this.dataFolder(name);
      if (isMountPoint(target)) return;
      try {
        await this.#kernel.call('mountFileSystem', { ...(await driverMount(options)), target });
      } catch (error) {
        this.#release(name, containerId);
        throw new StackError(
          'internal',
          `error while mounting volume '${target}': failed to mount local volume: ${messageOf(error)}`,
          { cause: error },
        );
      }
    });
  }

  /** Takes back {@link mount}; the files go once nobody else holds them. False for who did not hold the volume. */
  async unmount(name: string, containerId: string): Promise<boolean> {
    return this.#turns.take(name, async () => {
      if (!this.#release(name, containerId)) return false;
      if (!this.#holders.has(name)) await this.#unmountLocked(name);
      return true;
    });
  }

  /** Removes a volume that no container has. Throws not_found, or conflict with the containers' ids. */
  async remove(name: string): Promise<void> {
    this.#store.get(name);
    await this.#turns.take(name, async () => {
      this.#store.get(name);
      const users = this.#users(name);
      if (users.length > 0 || this.#promised.has(name)) {
        throw new StackError(
          'conflict',
          `remove ${name}: volume is in use - [${users.join(', ')}]`,
        );
      }
      await this.#unmountLocked(name);
      const folder = await this.#store.forget(name);
      await this.#kernel.call('removeTree', { path: folder });
      this.#events.publish('volume', 'destroy', name, { driver: 'local' });
    });
  }

  /** Unmounts what nobody holds, when the engine stops for good or starts anew: running containers keep theirs. */
  async unmountUnused(): Promise<void> {
    for (const { name } of this.list()) {
      await this.#turns
        .take(name, async () => {
          if (!this.#holders.has(name)) await this.#unmountLocked(name);
        })
        .catch((error: unknown) => this.#logger.warn('cannot unmount volume', { name, error }));
    }
  }

  #release(name: string, containerId: string): boolean {
    const holders = this.#holders.get(name);
    const held = holders?.delete(containerId) ?? false;
    if (holders?.size === 0) this.#holders.delete(name);
    return held;
  }

  async #unmountLocked(name: string): Promise<void> {
    if (!isMounted(this.#store.find(name)?.options ?? {})) return;
    const target = this.dataFolder(name);
    if (isMountPoint(target)) await this.#kernel.call('unmountFileSystem', { target });
  }
}

/** Names of volumes and the engine's folder are real paths: nothing on the way is a link of somebody else's. */
function isMountPoint(folder: string): boolean {
  return mountAt(readMounts(), folder) !== undefined;
}
