/** Volumes as containers and the API use them: made, counted, mounted where they are mounts, removed. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { Turns } from '#lib/concurrency/turns';
import type { Logger } from '#lib/log/logger';
import { errorCode, messageOf, StackError } from '#spec/errors';
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

export interface VolumeUsers {
  /** Containers that mount a volume, running or not. */
  all(name: string): string[];
  running(name: string): string[];
}

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
    return this.#users.all(name);
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

  /** Makes the volume's files appear in its data folder, for a container that starts. */
  async mount(name: string, containerId: string): Promise<void> {
    const { options } = this.#store.get(name);
    if (!isMounted(options)) return;
    await this.#turns.take(name, async () => {
      const target = this.dataFolder(name);
      if (await isMountPoint(target)) return;
      try {
        await this.#kernel.call('mountFileSystem', await driverMount(options, target));
      } catch (error) {
        throw new StackError(
          'internal',
          `error while mounting volume '${target}': failed to mount local volume: ${messageOf(error)}`,
          { cause: error },
        );
      }
      this.#events.publish('volume', 'mount', name, { container: containerId, driver: 'local' });
    });
  }

  /** Takes the mount back once no running container uses it. */
  async unmount(name: string, containerId: string): Promise<void> {
    const volume = this.#store.find(name);
    if (!volume || !isMounted(volume.options)) return;
    await this.#turns.take(name, async () => {
      if (this.#users.running(name).some((id) => id !== containerId)) return;
      await this.#unmountLocked(name);
      this.#events.publish('volume', 'unmount', name, { container: containerId, driver: 'local' });
    });
  }

  /** Removes a volume that no container has. Throws not_found, or conflict with the containers' ids. */
  async remove(name: string): Promise<void> {
    this.#store.get(name);
    await this.#turns.take(name, async () => {
      this.#store.get(name);
      const users = this.#users.all(name);
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

  /** Unmounts everything, when the engine stops for good or starts anew: running containers keep their own mounts. */
  async unmountUnused(): Promise<void> {
    for (const { name, options } of this.list()) {
      if (!isMounted(options) || this.#users.running(name).length > 0) continue;
      await this.#turns
        .take(name, () => this.#unmountLocked(name))
        .catch((error: unknown) => this.#logger.warn('cannot unmount volume', { name, error }));
    }
  }

  async #unmountLocked(name: string): Promise<void> {
    const target = this.dataFolder(name);
    if (await isMountPoint(target)) await this.#kernel.call('unmountFileSystem', { target });
  }
}

/** Whether something is mounted exactly there. */
async function isMountPoint(folder: string): Promise<boolean> {
  try {
    const mounts = await fs.promises.readFile('/proc/self/mountinfo', 'utf8');
    // The fifth field, with blanks as octal escapes; names of volumes have none.
    return mounts.split('\n').some((line) => unescape(line.split(' ')[4] ?? '') === folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

function unescape(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
