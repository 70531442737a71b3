/** Namespaces: separate sets of objects in one daemon. One comes into being with the first object written in it. */
import { StackError } from '#spec/errors';
import type { Labels, MetadataStore } from '../metadata/metadata-store.ts';
import { requireIdentifier } from '../metadata/identifier.ts';
import { updateOnlyLabels, validateLabels } from '../metadata/labels.ts';

export interface Namespace {
  name: string;
  labels: Labels;
}

export class Namespaces {
  readonly #metadata: MetadataStore;

  constructor(metadata: MetadataStore) {
    this.#metadata = metadata;
  }

  /** An unknown namespace has no labels: Go clients ask for theirs when they connect, before anything is in it. */
  get(name: string): Namespace {
    return { name, labels: this.#metadata.namespaces.get(name, '')?.labels ?? {} };
  }

  list(): Namespace[] {
    return this.#metadata.namespaces
      .listAll()
      .map(({ namespace, value }) => ({ name: namespace, labels: value.labels }));
  }

  /** Throws already_exists. */
  create({ name, labels }: Namespace): Namespace {
    requireIdentifier(name, 'namespace');
    validateLabels(labels);
    return this.#metadata.change(() => {
      if (this.#metadata.namespaces.get(name, '')) {
        throw new StackError('already_exists', `namespace "${name}": already exists`);
      }
      this.#metadata.namespaces.put(name, '', { labels });
      return { name, labels };
    });
  }

  /** Changes labels; a namespace that is not there yet comes into being. */
  update({ name, labels }: Namespace, paths: readonly string[]): Namespace {
    requireIdentifier(name, 'namespace');
    return this.#metadata.change(() => {
      const updated = updateOnlyLabels(this.get(name).labels, labels, paths, 'namespace');
      this.#metadata.namespaces.put(name, '', { labels: updated });
      return { name, labels: updated };
    });
  }

  /** Throws not_found, and conflict while anything is in it. */
  delete(name: string): void {
    this.#metadata.change(() => {
      const held = this.#objectsIn(name);
      if (held.length > 0) {
        throw new StackError(
          'conflict',
          `namespace "${name}" must be empty, but it still has ${held.join(', ')}: failed precondition`,
        );
      }
      if (!this.#metadata.namespaces.delete(name, '')) {
        throw new StackError('not_found', `namespace "${name}": not found`);
      }
    });
  }

  #objectsIn(name: string): string[] {
    const { images, containers, content, snapshots, leases } = this.#metadata;
    return Object.entries({ images, containers, content, snapshots, leases })
      .filter(([, table]) => table.list(name).length > 0)
      .map(([kind]) => kind);
  }
}

/** Makes sure that `name` is a namespace. Within a change only: it is part of writing the first object. */
export function touchNamespace(metadata: MetadataStore, name: string): void {
  if (metadata.namespaces.get(name, '')) return;
  requireIdentifier(name, 'namespace');
  metadata.namespaces.put(name, '', { labels: {} });
}
