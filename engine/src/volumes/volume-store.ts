/** All volumes: in memory by name, on disk a folder each, laid out as docker's (`NAME/_data`). */
import fs from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '#lib/atomic-file/atomic-file';
import type { Logger } from '#lib/log/logger';
import { errorCode, StackError } from '#spec/errors';
import type { Owner } from '../userns/id-map.ts';

const recordFile = 'volume.json';

/** The file `volumes/<name>/volume.json` below the data root. Only engined reads and writes it. */
export interface VolumeRecord {
  name: string;
  createdAt: string;
  labels: Record<string, string>;
  /** Options of the local driver; with a type or device the volume is a mount of its own. */
  options: Record<string, string>;
  /** Whether nobody chose the name: such volumes go with `rm -v` and `volume prune`. */
  anonymous: boolean;
}

export class VolumeStore {
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #owner: Owner | undefined;
  readonly #volumes = new Map<string, VolumeRecord>();

  /** `folder` holds a folder per volume; what is in new ones belongs to `owner`, root without it. */
  constructor(folder: string, logger: Logger, owner?: Owner) {
    this.#owner = owner;
    this.#folder = folder;
    this.#logger = logger;
  }

  /** Reads what earlier runs stored, and ends what they left half-done. */
  async load(): Promise<void> {
    await fs.promises.mkdir(this.#folder, { recursive: true, mode: 0o701 });
    for (const name of await fs.promises.readdir(this.#folder)) {
      const folder = path.join(this.#folder, name);
      try {
        const text = await fs.promises.readFile(path.join(folder, recordFile), 'utf8');
        // Written by save() below and by nobody else.
        this.#volumes.set(name, JSON.parse(text) as VolumeRecord);
      } catch (error) {
        if (errorCode(error) === 'ENOENT') {
          // Its record is written last and removed first: it was never created, or its removal was not ended.
          await fs.promises.rm(folder, { recursive: true, force: true });
        } else this.#logger.error('cannot read volume', { name, error });
      }
    }
  }

  /** Where the files of a volume lie. */
  dataFolder(name: string): string {
    return path.join(this.#folder, name, '_data');
  }

  list(): VolumeRecord[] {
    return [...this.#volumes.values()];
  }

  find(name: string): VolumeRecord | undefined {
    return this.#volumes.get(name);
  }

  /** Throws not_found in docker's words. */
  get(name: string): VolumeRecord {
    const volume = this.#volumes.get(name);
    if (!volume) throw new StackError('not_found', `get ${name}: no such volume`);
    return volume;
  }

  /** Makes the folders of a new volume and writes its record, in this order. */
  async add(volume: VolumeRecord): Promise<void> {
    const data = this.dataFolder(volume.name);
    await fs.promises.mkdir(path.dirname(data), { mode: 0o701 });
    await fs.promises.mkdir(data, { mode: 0o755 });
    if (this.#owner) await fs.promises.chown(data, this.#owner.uid, this.#owner.gid);
    await this.save(volume);
    this.#volumes.set(volume.name, volume);
  }

  /** Writes a record; it is safe from a crash when this resolves. */
  async save(volume: VolumeRecord): Promise<void> {
    await writeFileAtomic(
      path.join(this.#folder, volume.name, recordFile),
      JSON.stringify(volume),
      { durable: true },
    );
  }

  /** Forgets a volume; its folder is the caller's to delete, and load() does it after a crash. */
  async forget(name: string): Promise<string> {
    const folder = path.join(this.#folder, name);
    await fs.promises.rm(path.join(folder, recordFile), { force: true });
    this.#volumes.delete(name);
    return folder;
  }
}
