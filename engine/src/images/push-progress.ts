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
  mounted: 'Mounted',
  skipped: 'Skipped foreign layer',
} as const;
const intervalMs = 100;

/** Turns what the client of the registry reports into messages about layers. */
export function pushReporter(
  send: (message: PushMessage) => void,
): (progress: BlobProgress) => void {
  const lastMs = new Map<string, number>();
  return ({ descriptor: { mediaType, digest, size }, state, offset }) => {
    // docker tells of layers only.
    if (isIndexType(mediaType) || isManifestType(mediaType)) return;
    if (mediaType === mediaTypes.ociConfig || mediaType === mediaTypes.dockerConfig) return;
    const id = shortId(digest);
    if (state !== 'uploading') {
      send({ status: words[state], id, progressDetail: {} });
      return;
    }
    const now = performance.now();
    if (now - (lastMs.get(id) ?? -Infinity) < intervalMs) return;
    lastMs.set(id, now);
    send({
      status: 'Pushing',
      id,
      progressDetail: { current: offset, total: size },
      progress: progressBar(offset, size),
    });
  };
}
