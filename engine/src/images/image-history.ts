/** `GET /images/{name}/history`: how an image came to be, newest first. */
import type { ContainerdClient } from '#proto/containerd-client';
import { chainIdsOf } from '#spec/digest';
import { isStackError } from '#spec/errors';
import type { ImageHistory } from '#spec/oci/image';
import type { ImageDocuments } from './documents.ts';

/** One step; docker's HistoryResponseItem. */
export interface HistoryItem {
  /** The image's id for the newest step; older images are not kept as such. */
  Id: string;
  /** Seconds since 1970. */
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  /** Bytes of the layer unpacked; 0 for a step that changed no files. */
  Size: number;
  Comment: string;
}

/** All steps that the config tells of, and layers that it does not. */
export async function historyOf(
  { snapshots }: ContainerdClient,
  snapshotter: string,
  { id, config, diffIds, manifest }: ImageDocuments,
  tags: readonly string[],
): Promise<HistoryItem[]> {
  const chainIds = chainIdsOf(diffIds);
  const sizes = await Promise.all(
    chainIds.map(async (key, index) => {
      try {
        return (await snapshots.usage({ snapshotter, key })).size;
      } catch (error) {
        if (!isStackError(error, 'not_found')) throw error;
        return manifest.layers[index]?.size ?? 0; // not unpacked
      }
    }),
  );
  const steps: readonly ImageHistory[] = config.history ?? diffIds.map(() => ({}));
  let layer = 0;
  const items = steps.map(({ created, created_by, comment, empty_layer: isEmpty }) => ({
    Id: '<missing>',
    Created: created === undefined ? 0 : Math.floor(Date.parse(created) / 1000),
    CreatedBy: created_by ?? '',
    Tags: null as string[] | null,
    Size: isEmpty ? 0 : (sizes[layer++] ?? 0),
    Comment: comment ?? '',
  }));
  const newest = items.at(-1);
  if (newest) Object.assign(newest, { Id: id, Tags: tags.length > 0 ? [...tags] : null });
  return items.reverse();
}
