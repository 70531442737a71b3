/** Turns the layers of an image into snapshots, one per chain ID, each as its bytes arrive, in order. */
import { randomUUID } from 'node:crypto';
import { SnapshotCommit, SnapshotPrepare } from '#proto/generated/containerd.events';
import { chainIdsOf, type Digest } from '#spec/digest';
import { isStackError, StackError } from '#spec/errors';
import type { Descriptor } from '#spec/oci/image';
import { targetOf } from '../diff/apply.ts';
import type { SnapshotStore } from '../snapshots/snapshot-store.ts';
import type { Blobs } from './blobs.ts';
import { refOf, snapshotLabel, uncompressedLabel } from '#spec/oci/image-tree';
import type { Download } from './layer-downloads.ts';
import type { Session, TransferParts } from './session.ts';

/** One platform's image, its layers on their way or stored. */
export interface UnpackedImage {
  manifest: Descriptor;
  config: Descriptor;
  /** Base first, as many as layers. */
  diffIds: readonly Digest[];
  layers: readonly { descriptor: Descriptor; download: Download }[];
}

export class Unpacker {
  readonly #parts: TransferParts;
  /** Snapshots being made, by namespace, snapshotter and chain ID: transfers that share a layer unpack it once. */
  readonly #inFlight = new Map<string, Promise<void>>();

  constructor(parts: TransferParts) {
    this.#parts = parts;
  }

  /** Makes the snapshots that are missing; the config keeps them afterwards. Throws data_loss for a wrong diff ID. */
  async unpack(image: UnpackedImage, store: SnapshotStore, session: Session, blobs: Blobs) {
    if (image.diffIds.length === 0) return; // no layers, or no container image
    const chainIds = chainIdsOf(image.diffIds);
    const parents = [refOf(image.manifest)];
    for (const [i, { descriptor, download }] of image.layers.entries()) {
      const [diffId, chainId] = [image.diffIds[i], chainIds[i]];
      if (diffId === undefined || chainId === undefined)
        throw new Error('layers and diff IDs differ');
      const parent: Digest | '' = chainIds[i - 1] ?? '';
      const layer = { descriptor, download, parents, diffId, chainId, parent };
      await this.#unpackOnce(layer, store, session);
      await download.stored;
      blobs.keep(descriptor.digest, { [uncompressedLabel]: diffId });
    }
    const top = chainIds.at(-1);
    if (top !== undefined) {
      blobs.keep(image.config.digest, { [snapshotLabel(store.snapshotter.name)]: top });
    }
  }

  async #unpackOnce(layer: Layer, store: SnapshotStore, session: Session): Promise<void> {
    const { namespace } = session;
    const key = `${namespace}/${store.snapshotter.name}/${layer.chainId}`;
    while (!this.#keep(layer.chainId, store, session)) {
      const other = this.#inFlight.get(key);
      if (other) {
        await other.catch(() => undefined); // our own attempt follows if theirs failed
        continue;
      }
      const unpacking = this.#unpackLayer(layer, store, session);
      this.#inFlight.set(key, unpacking);
      try {
        await unpacking;
      } finally {
        this.#inFlight.delete(key);
      }
    }
  }

  /** Whether the snapshot exists; if so the lease keeps it from now on. */
  #keep(chainId: Digest, store: SnapshotStore, { namespace, lease }: Session): boolean {
    const type = `snapshots/${store.snapshotter.name}`;
    this.#parts.leases.addResource(namespace, lease, { type, id: chainId });
    return store.has(namespace, chainId);
  }

  async #unpackLayer(layer: Layer, store: SnapshotStore, session: Session): Promise<void> {
    const { namespace, lease, progress } = session;
    const { chainId, parent, descriptor, download } = layer;
    const { exchange, worker } = this.#parts;
    const snapshotter = store.snapshotter.name;
    const key = `extract-${randomUUID()} ${chainId}`;
    const labels = { 'containerd.io/snapshot.ref': chainId };
    try {
      const mounts = await store.prepare(namespace, { key, parent, labels, lease });
      exchange.publish(namespace, '/snapshot/prepare', SnapshotPrepare, {
        key,
        parent,
        snapshotter,
      });
      const applied = await download
        .read((file) => {
          progress.blob('extracting', descriptor, layer.parents, 0);
          return worker.apply({ layer: file, sync: false, ...targetOf(mounts) });
        })
        .catch(async (error: unknown) => {
          await download.stored; // a download that failed is the better reason
          throw error;
        });
      await download.stored;
      if (applied.diffId !== layer.diffId) {
        const message = `wrong diff ID: expected ${layer.diffId}, got ${applied.diffId}`;
        throw new StackError('data_loss', message);
      }
      await store.commit(namespace, key, { name: chainId, labels, lease });
      const committed = { key, name: chainId, snapshotter };
      exchange.publish(namespace, '/snapshot/commit', SnapshotCommit, committed);
      progress.blob('extracted', descriptor, layer.parents);
    } catch (error) {
      discard(store, namespace, key);
      // Another client has unpacked the same layer meanwhile.
      if (isStackError(error, 'already_exists') && store.has(namespace, chainId)) return;
      throw extractFailure(descriptor.digest, error);
    }
  }
}

interface Layer {
  descriptor: Descriptor;
  download: Download;
  /** Progress names it as a child of these. */
  parents: readonly string[];
  diffId: Digest;
  chainId: Digest;
  /** Chain ID of the layers below; empty for the first. */
  parent: Digest | '';
}

function discard(store: SnapshotStore, namespace: string, key: string): void {
  try {
    store.remove(namespace, key);
  } catch (error) {
    if (!isStackError(error, 'not_found')) throw error; // never made
  }
}

function extractFailure(digest: string, error: unknown): unknown {
  if (!isStackError(error)) return error;
  const message = `failed to extract layer ${digest}: ${error.message}`;
  return new StackError(error.kind, message, { cause: error });
}

/** The store of a snapshotter; of the default one where none is named. Throws not_found. */
export function snapshotStoreOf(stores: readonly SnapshotStore[], name: string): SnapshotStore {
  const store =
    name === '' ? stores[0] : stores.find(({ snapshotter }) => snapshotter.name === name);
  if (!store) throw new StackError('not_found', `snapshotter "${name}": not found`);
  return store;
}
