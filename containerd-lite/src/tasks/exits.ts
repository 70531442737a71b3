/** How processes ended: kept from the moment it is known until the client deletes the process, across restarts. */
import type { ExitRecord, MetadataStore } from '../metadata/metadata-store.ts';

export class Exits {
  readonly #metadata: MetadataStore;

  constructor(metadata: MetadataStore) {
    this.#metadata = metadata;
  }

  /** `execId` is empty for the task itself. */
  get(namespace: string, id: string, execId = ''): ExitRecord | undefined {
    return this.#metadata.exits.get(namespace, `${id}/${execId}`);
  }

  /** Resolves when what was recorded is on the disk: only then may its shim forget it. */
  async settled(): Promise<void> {
    await this.#metadata.settled();
  }

  /** The first report of an end counts; later ones add what it did not know. Returns whether this was the first. */
  record(namespace: string, id: string, execId: string, exit: ExitRecord): boolean {
    return this.#metadata.change(() => {
      const known = this.get(namespace, id, execId);
      this.#metadata.exits.put(namespace, `${id}/${execId}`, { ...exit, ...known });
      return known === undefined;
    });
  }

  delete(namespace: string, id: string, execId: string): void {
    this.#metadata.change(() => this.#metadata.exits.delete(namespace, `${id}/${execId}`));
  }

  /** Of the task and all its execs. */
  deleteAll(namespace: string, id: string): void {
    this.#metadata.change(() => {
      for (const { name } of this.#metadata.exits.list(namespace, `${id}/`)) {
        this.#metadata.exits.delete(namespace, name);
      }
    });
  }

  /** Ids of the containers whose task has ended and was not deleted. */
  containerIds(namespace: string): string[] {
    return this.#metadata.exits
      .list(namespace)
      .filter(({ name }) => name.endsWith('/'))
      .map(({ name }) => name.slice(0, -1));
  }
}
