/** Saved containers in the content store: a tar archive of criu's images, and the container's spec beside it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { StackError, isStackError } from '#spec/errors';
import { digestOf } from '#spec/digest';
import { mediaTypes } from '#spec/oci/image';
import { isAny, unpackAny } from '#proto/any';
import { CheckpointOptions, Options } from '#proto/generated/containerd.runc.v1';
import type { Container } from '#proto/generated/containerd.services.containers.v1';
import type { Descriptor, Mount } from '#proto/generated/containerd.types';
import { Any } from '#proto/generated/google.protobuf';
import type { ContentStore } from '../content/content-store.ts';
import type { LayerApplication } from '../diff/apply.ts';
import type { LayerComparison } from '../diff/compare.ts';
import { slowDeadlineMs } from './deadlines.ts';
import type { TaskClient } from './shim.ts';

const imagesType = 'application/vnd.containerd.container.criu.checkpoint.criu.tar';
const specType = 'application/vnd.containerd.container.checkpoint.config.v1+proto';

export interface CheckpointsParts {
  content: ContentStore;
  comparison: LayerComparison;
  application: LayerApplication;
}

export interface SaveRequest {
  namespace: string;
  lease: string | undefined;
  container: Container;
  options: Any | undefined;
  /** Of the container's shim. */
  shim: TaskClient;
}

export class Checkpoints {
  readonly #parts: CheckpointsParts;

  constructor(parts: CheckpointsParts) {
    this.#parts = parts;
  }

  /**
   * Lets the shim save the container, to the folder that the options name or else to the content store. Returns what
   * was stored: images, then the spec.
   */
  async save({ namespace, lease, container, options, shim }: SaveRequest): Promise<Descriptor[]> {
    const given = imagePathOf(options);
    const folder = given || fs.mkdtempSync(path.join(os.tmpdir(), 'checkpoint-'));
    try {
      await shim.checkpoint(
        { id: container.id, path: folder, ...(options && { options }) },
        { deadlineMs: slowDeadlineMs },
      );
      if (given) return [];
      const { comparison } = this.#parts;
      const [left, right] = [[], [folderMount(folder)]];
      const { ociLayer: mediaType } = mediaTypes;
      const archive = { namespace, lease, left, right, mediaType, ref: '', labels: {} };
      const images = await comparison.compare(archive);
      const spec = await this.#storeSpec(namespace, lease, container);
      return [{ ...images, mediaType: imagesType }, spec];
    } finally {
      if (!given) fs.rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Unpacks the images of a saved container into `folder`. Throws invalid_argument for another media type. */
  async unpack(namespace: string, descriptor: Descriptor, folder: string): Promise<void> {
    if (descriptor.mediaType !== imagesType) {
      throw new StackError(
        'invalid_argument',
        `unsupported checkpoint type "${descriptor.mediaType}"`,
      );
    }
    fs.mkdirSync(folder, { mode: 0o700 });
    await this.#parts.application.apply({
      namespace,
      layer: descriptor,
      mounts: [folderMount(folder)],
      sync: false,
    });
  }

  async #storeSpec(
    namespace: string,
    lease: string | undefined,
    { id, spec }: Container,
  ): Promise<Descriptor> {
    const data = Any.encode(spec ?? {});
    const digest = digestOf(data);
    const options = { expected: '', total: data.length, lease };
    const writer = await this.#parts.content.openWriter(
      namespace,
      `checkpoint-spec-${id}`,
      options,
    );
    try {
      await writer.write(0, data);
      await writer.commit(data.length, digest, {});
    } catch (error) {
      if (!isStackError(error, 'already_exists')) throw error; // the same spec was saved before
    } finally {
      await writer.close();
    }
    return { mediaType: specType, digest, size: data.length, annotations: {} };
  }
}

/** The folder that a Create's options continue from; empty where they say none. */
export function restorePathOf(options: Any | undefined): string {
  return options && isAny(Options, options) ? unpackAny(Options, options).criuImagePath : '';
}

function imagePathOf(options: Any | undefined): string {
  return options && isAny(CheckpointOptions, options)
    ? unpackAny(CheckpointOptions, options).imagePath
    : '';
}

function folderMount(source: string): Mount {
  return { type: 'bind', source, target: '', options: ['rbind', 'rw'] };
}
