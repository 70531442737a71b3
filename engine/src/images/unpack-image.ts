/** Turns an image's layers into snapshots: one per chain ID, as containerd's own client does it. */
import { randomUUID } from 'node:crypto';
import type { ContainerdClient } from '#proto/containerd-client';
import { chainIdsOf, type Digest } from '#spec/digest';
import { isStackError, StackError } from '#spec/errors';
import type { Descriptor } from '#spec/oci/image';
import type { ImageDocuments } from './documents.ts';
import { snapshotLabel, uncompressedLabel } from '#spec/oci/image-tree';
import type { ImageContent } from './image-content.ts';

export interface UnpackHooks {
  /** Resolves when the layer's content is stored. */
  ready?(layer: Descriptor): Promise<void>;
  /** There was nothing to do for the layer. */
  present?(layer: Descriptor): void;
  extracting?(layer: Descriptor): void;
  extracted?(layer: Descriptor): void;
}

export class Unpacker {
  readonly #client: ContainerdClient;
  readonly #content: ImageContent;
  readonly #snapshotter: string;
  /** Bytes by chain ID: what is committed never changes. */
  readonly #sizes = new Map<string, number>();

  constructor(client: ContainerdClient, content: ImageContent, snapshotter: string) {
    this.#client = client;
    this.#content = content;
    this.#snapshotter = snapshotter;
  }

  /** Whether the snapshot exists. */
  async has(chainId: string): Promise<boolean> {
    try {
      await this.#client.snapshots.stat({ snapshotter: this.#snapshotter, key: chainId });
      return true;
    } catch (error) {
      if (isStackError(error, 'not_found')) return false;
      throw error;
    }
  }

  /** Makes the snapshots that are missing; the config keeps them afterwards. Throws data_loss for a wrong diff ID. */
  async unpack(image: ImageDocuments, lease: string, hooks: UnpackHooks = {}): Promise<void> {
    const chainIds = chainIdsOf(image.diffIds);
    for (const [i, layer] of image.manifest.layers.entries()) {
      const [diffId, chainId] = [image.diffIds[i], chainIds[i]];
      if (diffId === undefined || chainId === undefined)
        throw new Error('layers and diff IDs differ');
      await hooks.ready?.(layer);
      if (await this.#keep(chainId, lease)) {
        hooks.present?.(layer);
        continue;
      }
      hooks.extracting?.(layer);
      await this.#unpackLayer(layer, diffId, chainId, chainIds[i - 1] ?? '', lease);
      hooks.extracted?.(layer);
    }
    if (image.chainId !== '') {
      await this.#content.label(image.id, { [snapshotLabel(this.#snapshotter)]: image.chainId });
    }
  }

  /** Bytes of a layer, by its chain ID, in its snapshot; undefined where it is not unpacked. */
  async layerBytes(chainId: string): Promise<number | undefined> {
    const known = this.#sizes.get(chainId);
    if (known !== undefined) return known;
    try {
      const usage = { snapshotter: this.#snapshotter, key: chainId };
      const { size } = await this.#client.snapshots.usage(usage);
      this.#sizes.set(chainId, size);
      return size;
    } catch (error) {
      if (isStackError(error, 'not_found')) return undefined;
      throw error;
    }
  }

  /** Bytes of the layers in the snapshots; undefined where not all are unpacked. */
  async unpackedBytes(diffIds: readonly Digest[]): Promise<number | undefined> {
    const sizes = await Promise.all(chainIdsOf(diffIds).map((key) => this.layerBytes(key)));
    return sizes.reduce((total, size) => {
      return total === undefined || size === undefined ? undefined : total + size;
    }, 0);
  }

  async #keep(chainId: Digest, lease: string): Promise<boolean> {
    const type = `snapshots/${this.#snapshotter}`;
    await this.#client.leases.addResource({ id: lease, resource: { id: chainId, type } });
    return this.has(chainId);
  }

  async #unpackLayer(
    layer: Descriptor,
    diffId: Digest,
    chainId: Digest,
    parent: string,
    lease: string,
  ): Promise<void> {
    const { snapshots, diff } = this.#client;
    const snapshotter = this.#snapshotter;
    const key = `extract-${randomUUID()} ${chainId}`;
    const labels = { 'containerd.io/snapshot.ref': chainId };
    const { mediaType, digest, size } = layer;
    try {
      const { mounts } = await snapshots.prepare({ snapshotter, key, parent, labels }, { lease });
      const { applied } = await diff.apply(
        { diff: { mediaType, digest, size }, mounts },
        { lease },
      );
      if (applied?.digest !== diffId) {
        const actual = applied?.digest ?? 'nothing';
        const message = `wrong diff ID: expected ${diffId}, got ${actual}`;
        throw new StackError('data_loss', message);
      }
      await snapshots.commit({ snapshotter, key, name: chainId, labels }, { lease });
    } catch (error) {
      await snapshots.remove({ snapshotter, key }).catch(() => undefined); // never made, or committed meanwhile
      // Somebody else has unpacked the same layer meanwhile.
      if (isStackError(error, 'already_exists') && (await this.has(chainId))) return;
      throw registerFailure(digest, error);
    }
    await this.#content.label(digest, { [uncompressedLabel]: diffId });
  }
}

/** Docker's words for a layer that cannot be unpacked. */
function registerFailure(digest: string, error: unknown): unknown {
  if (!isStackError(error)) return error;
  const message = `failed to register layer ${digest}: ${error.message}`;
  return new StackError(error.kind, message, { cause: error });
}
