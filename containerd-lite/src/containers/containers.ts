/** Records of containers: image, snapshot, runtime and spec. What runs is a task (tasks/). */
import { StackError } from '#spec/errors';
import { timestampNow } from '#proto/timestamp';
import type { Container } from '#proto/generated/containerd.services.containers.v1';
import type { MetadataStore } from '../metadata/metadata-store.ts';
import { requireIdentifier } from '../metadata/identifier.ts';
import { updateLabels, validateLabels, withoutEmpty } from '../metadata/labels.ts';
import { touchNamespace } from '../namespaces/namespaces.ts';

export class Containers {
  readonly #metadata: MetadataStore;

  constructor(metadata: MetadataStore) {
    this.#metadata = metadata;
  }

  /** Throws not_found. */
  get(namespace: string, id: string): Container {
    const container = this.#metadata.containers.get(namespace, id);
    if (!container) {
      throw new StackError('not_found', `container "${id}" in namespace "${namespace}": not found`);
    }
    return container;
  }

  list(namespace: string): Container[] {
    return this.#metadata.containers.list(namespace).map(({ value }) => value);
  }

  /** Throws already_exists. */
  create(namespace: string, container: Container): Container {
    validate(container);
    return this.#metadata.change(() => {
      touchNamespace(this.#metadata, namespace);
      if (this.#metadata.containers.get(namespace, container.id)) {
        throw new StackError('already_exists', `container "${container.id}": already exists`);
      }
      const now = timestampNow();
      const created = { ...container, createdAt: now, updatedAt: now };
      this.#metadata.containers.put(namespace, container.id, created);
      return created;
    });
  }

  /** Changes what `paths` name; without paths everything that may change after creation. */
  update(namespace: string, container: Container, paths: readonly string[]): Container {
    return this.#metadata.change(() => {
      const current = this.get(namespace, container.id);
      if (paths.length === 0) requireUnchanged(current, container);
      let updated = current;
      for (const path of paths.length === 0 ? defaultPaths : paths) {
        updated = updatePath(updated, container, path);
      }
      updated = { ...updated, updatedAt: timestampNow() };
      validate(updated);
      this.#metadata.containers.put(namespace, container.id, updated);
      return updated;
    });
  }

  /** Throws not_found. */
  delete(namespace: string, id: string): void {
    this.#metadata.change(() => {
      this.get(namespace, id);
      this.#metadata.containers.delete(namespace, id);
    });
  }
}

const defaultPaths = ['labels', 'spec', 'extensions', 'image', 'snapshotKey'];

function updatePath(current: Container, update: Container, path: string): Container {
  const labels = updateLabels(current.labels, update.labels, path);
  if (labels) return { ...current, labels };
  if (path.startsWith('extensions.')) {
    const key = path.slice('extensions.'.length);
    const { [key]: _replaced, ...others } = current.extensions;
    const value = update.extensions[key];
    return { ...current, extensions: value ? { ...others, [key]: value } : others };
  }
  switch (path) {
    case 'spec': {
      const { spec: _replaced, ...others } = current;
      return update.spec ? { ...others, spec: update.spec } : others;
    }
    case 'extensions':
      return { ...current, extensions: update.extensions };
    case 'image':
      return { ...current, image: update.image };
    case 'snapshotKey':
    case 'snapshotkey':
    case 'snapshot_key':
      return { ...current, snapshotKey: update.snapshotKey };
    default:
      throw new StackError(
        'invalid_argument',
        `cannot update field "${path}" of container "${current.id}"`,
      );
  }
}

/** What a container was created with that stays so for good. */
function requireUnchanged(current: Container, update: Container): void {
  const changed =
    update.snapshotter !== '' && update.snapshotter !== current.snapshotter
      ? 'snapshotter'
      : update.runtime && update.runtime.name !== current.runtime?.name
        ? 'runtime'
        : undefined;
  if (changed !== undefined) {
    throw new StackError(
      'invalid_argument',
      `field "${changed}" of container "${current.id}" cannot be changed`,
    );
  }
}

function validate(container: Container): void {
  const { id, runtime, snapshotter, snapshotKey, labels, extensions } = container;
  requireIdentifier(id, 'container id');
  validateLabels(withoutEmpty(labels));
  if (Object.keys(extensions).includes('')) {
    throw new StackError('invalid_argument', `an extension of container "${id}" has no name`);
  }
  if (!runtime || runtime.name === '') {
    throw new StackError('invalid_argument', `container "${id}" has no runtime`);
  }
  if (!container.spec) throw new StackError('invalid_argument', `container "${id}" has no spec`);
  if (snapshotKey !== '' && snapshotter === '') {
    throw new StackError('invalid_argument', `container "${id}" has a snapshot but no snapshotter`);
  }
}
