/** All containers: in memory by id and name, on disk one file each. */
import fs from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '#lib/atomic-file/atomic-file';
import type { Logger } from '#lib/log/logger';
import { removeFolder } from '#lib/remove-folder/remove-folder';
import { errorCode, StackError } from '#spec/errors';
import { Container, type ContainerRecord } from './container.ts';

const recordFile = 'container.json';
const namePattern = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export class ContainerStore {
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #containers = new Map<string, Container>();
  /** Reserved before a container exists, so that two creates cannot take one name. */
  readonly #idsByName = new Map<string, string>();

  /** `folder` holds a folder per container. */
  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
  }

  /** Reads what earlier runs stored. A folder without a readable record is left alone and logged. */
  async load(): Promise<void> {
    await fs.promises.mkdir(this.#folder, { recursive: true, mode: 0o710 });
    for (const id of await fs.promises.readdir(this.#folder)) {
      try {
        const text = await fs.promises.readFile(path.join(this.folderOf(id), recordFile), 'utf8');
        if (/^\0*$/.test(text)) {
          // Lost with the power before it was on the disk: save() lets that happen to one that removes itself.
          await fs.promises.rm(this.folderOf(id), { recursive: true, force: true });
          continue;
        }
        // Written by save() below and by nobody else.
        const container = new Container(JSON.parse(text) as ContainerRecord);
        this.#containers.set(container.id, container);
        this.#idsByName.set(container.record.name, container.id);
      } catch (error) {
        if (errorCode(error) === 'ENOENT') {
          // Died between making the folder and writing the record: the container was never created.
          await fs.promises.rm(this.folderOf(id), { recursive: true, force: true });
        } else {
          this.#logger.error('cannot read container', { id, error });
        }
      }
    }
  }

  /** Folder of a container's record, log and files. */
  folderOf(id: string): string {
    return path.join(this.#folder, id);
  }

  list(): Container[] {
    return [...this.#containers.values()];
  }

  has(id: string): boolean {
    return this.#containers.has(id);
  }

  /** By full id, name (with or without slash) or unambiguous prefix of an id. Throws not_found in docker's words. */
  get(reference: string): Container {
    const name = reference.replace(/^\//, '');
    const exact =
      this.#containers.get(reference) ?? this.#containers.get(this.#idsByName.get(name) ?? '');
    if (exact) return exact;
    const matches = /^[0-9a-f]+$/.test(reference)
      ? this.list().filter(({ id }) => id.startsWith(reference))
      : [];
    if (matches.length > 1) {
      throw new StackError(
        'invalid_argument',
        `multiple IDs found with provided prefix: ${reference}`,
      );
    }
    const [match] = matches;
    if (!match) throw new StackError('not_found', `No such container: ${reference}`);
    return match;
  }

  /** The container with exactly this id, if it exists. */
  find(id: string): Container | undefined {
    return this.#containers.get(id);
  }

  /** Takes `name` for `id`. Throws invalid_argument, or conflict when it is taken. */
  reserveName(name: string, id: string): string {
    if (!namePattern.test(name)) {
      throw new StackError(
        'invalid_argument',
        `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
      );
    }
    const bare = name.replace(/^\//, '');
    const owner = this.#idsByName.get(bare);
    if (owner !== undefined && owner !== id) {
      throw new StackError(
        'conflict',
        `Conflict. The container name "/${bare}" is already in use by container "${owner}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    }
    this.#idsByName.set(bare, id);
    return bare;
  }

  /** Whether a create has taken a name for `id`, whose container may not exist yet. */
  isReserved(id: string): boolean {
    return [...this.#idsByName.values()].includes(id);
  }

  isNameTaken(name: string): boolean {
    return this.#idsByName.has(name);
  }

  releaseName(name: string): void {
    this.#idsByName.delete(name);
  }

  /**
   * Writes a container's record; it is safe from a crash when this resolves, and from a loss of power, which one that
   * removes itself does not outlive anyway.
   */
  async save(container: Container): Promise<void> {
    await writeFileAtomic(
      path.join(this.folderOf(container.id), recordFile),
      JSON.stringify(container.record),
      { durable: !container.record.hostConfig.AutoRemove },
    );
  }

  /** Adds a new container and writes its record. */
  async add(container: Container): Promise<void> {
    await this.save(container);
    this.#containers.set(container.id, container);
  }

  /** Forgets a container, its name and its folder. */
  async remove(container: Container): Promise<void> {
    await removeFolder(this.folderOf(container.id));
    this.#containers.delete(container.id);
    this.releaseName(container.record.name);
  }
}
