/** Applies a layer of the content store to what mounts show. */
import { StackError } from '#spec/errors';
import type { Descriptor, Mount } from '#proto/generated/containerd.types';
import type { ContentStore } from '../content/content-store.ts';
import type { FileWorker } from '../worker/file-worker.ts';

/** Media type of a layer without compression. */
const layerMediaType = 'application/vnd.oci.image.layer.v1.tar';

export interface ApplyRequest {
  namespace: string;
  layer: Descriptor;
  mounts: readonly Mount[];
  sync: boolean;
}

export class LayerApplication {
  readonly #content: ContentStore;
  readonly #worker: FileWorker;

  constructor(content: ContentStore, worker: FileWorker) {
    this.#content = content;
    this.#worker = worker;
  }

  /**
   * Unpacks the layer and returns the descriptor of the archive without its compression: its digest is the diff ID.
   * Throws conflict where the layer's label `containerd.io/uncompressed` names another one.
   */
  async apply({ namespace, layer, mounts, sync }: ApplyRequest): Promise<Descriptor> {
    const info = this.#content.info(namespace, layer.digest);
    const file = this.#content.blobPath(namespace, layer.digest);
    const applied = await this.#worker.apply({ layer: file, sync, ...targetOf(mounts) });
    const expected = info.labels['containerd.io/uncompressed'];
    if (expected !== undefined && expected !== applied.diffId) {
      throw new StackError(
        'conflict',
        `wrong diff id: layer ${layer.digest} unpacks to ${applied.diffId}, not ${expected}`,
      );
    }
    return {
      mediaType: layerMediaType,
      digest: applied.diffId,
      size: applied.sizeBytes,
      annotations: {},
    };
  }
}

/** Mounts to unpack into. Throws invalid_argument for none, conflict for read-only ones. */
export function targetOf(mounts: readonly Mount[]): { mounts: readonly Mount[] } {
  const readOnly = mounts.find(({ options }) => options.includes('ro'));
  if (readOnly) {
    throw new StackError('conflict', `cannot apply a layer to read-only "${readOnly.source}"`);
  }
  if (mounts.length === 0) {
    throw new StackError('invalid_argument', 'cannot apply a layer to no mounts');
  }
  return { mounts };
}
