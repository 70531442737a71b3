/** What a transfer needs to know of an image's config. */
import { parseDigest, type Digest } from '#spec/digest';
import { StackError } from '#spec/errors';
import { isConfigType, parseImageConfig, type Descriptor } from '#spec/oci/image';
import { parseDocument } from '#spec/oci/image-tree';

/** The diff IDs of an image's layers; none for what is no container image. Throws data_loss if there are not as many as layers. */
export function diffIdsOf(config: Descriptor, content: Buffer, layerCount: number): Digest[] {
  if (!isConfigType(config.mediaType)) return [];
  const { rootfs } = parseImageConfig(parseDocument(content, config.digest));
  if (rootfs.diff_ids.length !== layerCount) {
    const message = `config ${config.digest} names ${rootfs.diff_ids.length} layers, its manifest ${layerCount}`;
    throw new StackError('data_loss', message);
  }
  return rootfs.diff_ids.map(parseDigest);
}
