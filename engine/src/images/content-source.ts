/** containerd's content store as what a push reads from. */
import type { ContainerdClient } from '#proto/containerd-client';
import type { PushSource } from '#lib/registry/push-image';
import type { ImageContent } from './image-content.ts';

/** Documents as a whole, blobs in pieces from any offset on. */
export function contentSource({ content }: ContainerdClient, documents: ImageContent): PushSource {
  return {
    document: ({ digest }) => documents.read(digest),
    async *blob({ digest }, offset) {
      for await (const { data } of content.read({ digest, offset })) yield data;
    },
    repositoriesOf: async ({ digest }) => {
      const { info } = await content.info({ digest });
      const prefix = 'containerd.io/distribution.source.';
      return Object.entries(info?.labels ?? {})
        .filter(([key]) => key.startsWith(prefix))
        .flatMap(([, paths]) => paths.split(','));
    },
  };
}
