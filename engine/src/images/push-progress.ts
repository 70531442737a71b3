/** What a push says while it runs, in docker's words. */
import type { PushProgress as BlobProgress } from '#lib/registry/push-image';
import { isIndexType, isManifestType, mediaTypes } from '#spec/oci/image';
import { progressBar, shortId } from './pull-progress.ts';

/** One object of the stream that answers a push. */
export interface PushMessage {
  status?: string;
  id?: string;
  progressDetail?: { current?: number; total?: number };
  progress?: string;
  aux?: { Tag: string; Digest: string; Size: number };
}

const words = {
  waiting: 'Preparing',
  exists: 'Layer already exists',
  uploaded: 'Pushed',
  mounted: 'Mounted from',
  skipped: 'Skipped foreign layer',
} as const;
const intervalMs = 100;

/**
 * Turns what the client of the registry reports into messages about layers, called by their diff IDs, the topmost first.
 * `diffIds` are by the digests of the layers' blobs, in the order of the layers.
 */
export function pushReporter(
  diffIds: ReadonlyMap<string, string>,
  send: (message: PushMessage) => void,
): (progress: BlobProgress) => void {
  const lastMs = new Map<string, number>();
  const waiting = new Map<string, PushMessage>();
  return ({ descriptor: { mediaType, digest, size }, state, offset, from = '' }) => {
    // docker tells of layers only.
    if (isIndexType(mediaType) || isManifestType(mediaType)) {
      for (const blob of [...diffIds.keys()].reverse()) {
        const message = waiting.get(blob);
        if (message) send(message);
      }
      waiting.clear();
      return;
    }
    if (mediaType === mediaTypes.ociConfig || mediaType === mediaTypes.dockerConfig) return;
    const id = shortId(diffIds.get(digest) ?? digest);
    if (state === 'waiting') {
      waiting.set(digest, { status: words.waiting, progressDetail: {}, id });
      return;
    }
    if (state !== 'uploading') {
      const status = state === 'mounted' ? `${words.mounted} ${from}` : words[state];
      send({ status, progressDetail: {}, id });
      return;
    }
    const now = performance.now();
    if (now - (lastMs.get(id) ?? -Infinity) < intervalMs) return;
    lastMs.set(id, now);
    send({
      status: 'Pushing',
      progressDetail: { current: offset, total: size },
      progress: progressBar(offset, size),
      id,
    });
  };
}
