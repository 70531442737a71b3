/** Names of images. Each points at a manifest or an index and so keeps everything below it from being collected. */
import { StackError } from '#spec/errors';
import { parseDigest } from '#spec/digest';
import { timestampNow } from '#proto/timestamp';
import type { Image } from '#proto/generated/containerd.services.images.v1';
import type { Timestamp } from '#proto/generated/google.protobuf';
import type { MetadataStore } from '../metadata/metadata-store.ts';
import { updateLabels, validateLabels, withoutEmpty } from '../metadata/labels.ts';
import { touchNamespace } from '../namespaces/namespaces.ts';

export class Images {
  readonly #metadata: MetadataStore;

  constructor(metadata: MetadataStore) {
    this.#metadata = metadata;
  }

  /** Throws not_found. */
  get(namespace: string, name: string): Image {
    const image = this.#metadata.images.get(namespace, name);
    if (!image) throw new StackError('not_found', `image "${name}": not found`);
    return image;
  }

  list(namespace: string): Image[] {
    return this.#metadata.images.list(namespace).map(({ value }) => value);
  }

  /** Throws already_exists. */
  create(namespace: string, image: Image, now: Timestamp = timestampNow()): Image {
    validate(image);
    return this.#metadata.change(() => {
      touchNamespace(this.#metadata, namespace);
      if (this.#metadata.images.get(namespace, image.name)) {
        throw new StackError('already_exists', `image "${image.name}": already exists`);
      }
      const created = { ...image, createdAt: now, updatedAt: now };
      this.#metadata.images.put(namespace, image.name, created);
      return created;
    });
  }

  /** Changes what `paths` name: `target`, `annotations` of it, `labels`, `labels.<key>`; all of it without paths. */
  update(
    namespace: string,
    image: Image,
    paths: readonly string[],
    now: Timestamp = timestampNow(),
  ): Image {
    return this.#metadata.change(() => {
      let updated = this.get(namespace, image.name);
      for (const path of paths.length === 0 ? ['target', 'labels'] : paths) {
        updated = updatePath(updated, image, path);
      }
      updated = { ...updated, updatedAt: now };
      validate(updated);
      this.#metadata.images.put(namespace, image.name, updated);
      return updated;
    });
  }

  /** Throws not_found, also where `target` is given and the image points elsewhere. */
  delete(namespace: string, name: string, target: string | undefined): void {
    this.#metadata.change(() => {
      const image = this.get(namespace, name);
      if (target !== undefined && image.target?.digest !== target) {
        throw new StackError(
          'not_found',
          `image "${name}" has target ${image.target?.digest ?? ''}: not found`,
        );
      }
      this.#metadata.images.delete(namespace, name);
    });
  }
}

function updatePath(current: Image, update: Image, path: string): Image {
  const labels = updateLabels(current.labels, update.labels, path);
  if (labels) return { ...current, labels };
  if (path === 'target' && update.target) return { ...current, target: update.target };
  if (path.startsWith('target.annotations') && current.target && update.target) {
    const key = path.slice('target.annotations.'.length);
    const annotations =
      key === ''
        ? update.target.annotations
        : withoutEmpty({
            ...current.target.annotations,
            [key]: update.target.annotations[key] ?? '',
          });
    return { ...current, target: { ...current.target, annotations } };
  }
  throw new StackError(
    'invalid_argument',
    `cannot update field "${path}" of image "${current.name}"`,
  );
}

function validate({ name, target, labels }: Image): void {
  if (name === '') throw new StackError('invalid_argument', 'image name must not be empty');
  validateLabels(labels);
  if (!target) throw new StackError('invalid_argument', `image "${name}" has no target`);
  parseDigest(target.digest);
  if (target.mediaType === '') {
    throw new StackError('invalid_argument', `target of image "${name}" has no media type`);
  }
  if (target.size === 0) {
    throw new StackError('invalid_argument', `target of image "${name}" has no size`);
  }
}
