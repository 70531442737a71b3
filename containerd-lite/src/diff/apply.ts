/** Applies a layer of the content store to what mounts show, without mounting where the mounts say enough. */
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

interface Target {
  root: string;
  whiteouts: 'overlay' | 'delete';
  lowerDirectories: string[];
}

/** The directory behind the mounts. Throws unimplemented for mounts that only the kernel can make sense of. */
function targetOf(mounts: readonly Mount[]): Target {
  const [mount, ...others] = mounts;
  if (!mount || others.length > 0) {
    throw new StackError('unimplemented', `cannot apply a layer to ${mounts.length} mounts`);
  }
  if (mount.options.includes('ro')) {
    throw new StackError('conflict', `cannot apply a layer to read-only "${mount.source}"`);
  }
  if (mount.type === 'bind' || mount.options.some((name) => name === 'bind' || name === 'rbind')) {
    return { root: mount.source, whiteouts: 'delete', lowerDirectories: [] };
  }
  const option = (name: string) =>
    mount.options.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
  const upper = option('upperdir');
  if (mount.type === 'overlay' && upper !== undefined) {
    return {
      root: upper,
      whiteouts: 'overlay',
      lowerDirectories: option('lowerdir')?.split(':') ?? [],
    };
  }
  throw new StackError('unimplemented', `cannot apply a layer to a mount of type "${mount.type}"`);
}
