/** Packs the difference of two sets of mounts into a layer of the content store. */
import { randomUUID } from 'node:crypto';
import { StackError } from '#spec/errors';
import { layerCompression, mediaTypes } from '#spec/oci/image';
import type { Timespec } from '#lib/sys/file';
import type { Logger } from '#lib/log/logger';
import type { Descriptor, Mount } from '#proto/generated/containerd.types';
import type { ContentStore } from '../content/content-store.ts';
import { withoutEmpty } from '../metadata/labels.ts';
import type { Labels } from '../metadata/metadata-store.ts';
import type { FileWorker } from '../worker/file-worker.ts';

/** On a compressed layer: its diff ID, which says what it unpacks to. */
const uncompressedLabel = 'containerd.io/uncompressed';

export interface CompareRequest {
  namespace: string;
  lease: string | undefined;
  /** What was there before; none for nothing. */
  left: readonly Mount[];
  right: readonly Mount[];
  /** Empty for gzip, as an OCI layer. */
  mediaType: string;
  /** Ingest to write to; empty for one of its own. */
  ref: string;
  labels: Labels;
  /** No entry of the layer is younger. */
  latestTime?: Timespec;
}

export class LayerComparison {
  readonly #content: ContentStore;
  readonly #worker: FileWorker;
  readonly #log: Logger;

  constructor(content: ContentStore, worker: FileWorker, log: Logger) {
    this.#content = content;
    this.#worker = worker;
    this.#log = log;
  }

  /** Writes the layer and returns its descriptor. Throws unimplemented for a media type that is no layer's. */
  async compare(request: CompareRequest): Promise<Descriptor> {
    const { namespace, left, right, labels, lease, latestTime } = request;
    const mediaType = request.mediaType === '' ? mediaTypes.ociLayerGzip : request.mediaType;
    const compression = layerCompression(mediaType);
    if (compression === undefined) {
      throw new StackError('unimplemented', `unsupported diff media type: ${mediaType}`);
    }
    const ref = request.ref === '' ? `diff-${randomUUID()}` : request.ref;
    const options = { expected: '', total: 0, lease };
    const writer = await this.#content.openWriter(namespace, ref, options);
    try {
      const { digest, sizeBytes, diffId, warnings } = await writer.fill((file) =>
        this.#worker.diff({ left, right, compression, file, ...(latestTime && { latestTime }) }),
      );
      if (warnings.length > 0) this.#log.warn('a layer is not complete', { digest, warnings });
      const told = { [uncompressedLabel]: compression === 'none' ? '' : diffId };
      await writer.commit(sizeBytes, digest, withoutEmpty({ ...labels, ...told }));
      // Content that was there before has kept its labels; the diff ID is true of it whoever wrote it.
      this.#content.update(namespace, digest, told, [`labels.${uncompressedLabel}`]);
      return { mediaType, digest, size: sizeBytes, annotations: {} };
    } catch (error) {
      await writer.close();
      if (request.ref === '') await this.#content.abort(namespace, ref);
      throw error;
    } finally {
      await writer.close();
    }
  }
}
