/** containerd's content store as what a push to `reference` reads from. */
import type { ContainerdClient } from '#proto/containerd-client';
import type { PushSource } from '#lib/registry/push-image';
import { repositoriesIn, sourceOf } from '#spec/oci/image-tree';
import type { ImageReference } from '#spec/reference';
import type { ImageContent } from './image-content.ts';

/** Documents as a whole, blobs in pieces from any offset on. */
export function contentSource(
  { content }: ContainerdClient,
  documents: ImageContent,
  reference: ImageReference,
): PushSource {
  const { label } = sourceOf(reference);
  return {
    document: ({ digest }) => documents.read(digest),
    async *blob({ digest }, offset) {
      for await (const { data } of content.read({ digest, offset })) yield data;
    },
    repositoriesOf: async ({ digest }) => {
      const { info } = await content.info({ digest });
      return repositoriesIn(info?.labels ?? {}, label);
    },
  };
}
