/** The image store as destination of a transfer: which names an image gets; and as source: which images are meant. */
import { imageNameAnnotation, refNameAnnotation } from '#lib/image-archive/annotations';
import type { Descriptor } from '#spec/oci/image';
import { isStackError, StackError } from '#spec/errors';
import type { ImageReference, ImageStore } from '#proto/generated/containerd.types.transfer';
import {
  ImageCreate,
  ImageUpdate,
  type Image,
} from '#proto/generated/containerd.services.images.v1';
import { formatTimestamp, timestampNow } from '#proto/timestamp';
import type { Labels } from '../metadata/metadata-store.ts';
import type { Session, TransferParts } from './session.ts';

/** Names for the image that was transferred as a whole. */
export function namesOf({ name, extraReferences }: ImageStore, { digest }: Descriptor): string[] {
  const extra = extraReferences
    .filter(({ isPrefix, addDigest }) => !isPrefix || addDigest)
    .map((reference) => (reference.addDigest ? `${reference.name}@${digest}` : reference.name));
  return [...(name === '' ? [] : [name]), ...extra];
}

/** Names for one of the images in an archive, from its annotations and the prefixes that the client gives. */
export function annotatedNamesOf({ extraReferences }: ImageStore, image: Descriptor): string[] {
  return extraReferences
    .filter(({ isPrefix }) => isPrefix)
    .flatMap((reference) => {
      const name = annotatedName(reference, image.annotations ?? {});
      const byDigest = `${reference.name}@${image.digest}`;
      if (name === '') return reference.addDigest ? [byDigest] : [];
      return reference.addDigest && !reference.skipNamedDigest ? [name, byDigest] : [name];
    });
}

/**
 * Lets names point to `target`. An image with a name of its own takes the others with it when it is deleted. Throws where
 * nobody waits for the transfer any more: nobody would drop the names.
 */
export function storeNames(
  { images, exchange, gc }: TransferParts,
  { namespace, progress, signal }: Session,
  store: ImageStore,
  target: Descriptor,
  names: readonly string[],
): void {
  signal.throwIfAborted();
  const { mediaType, digest, size, annotations = {} } = target;
  for (const name of names) {
    const labels = name === store.name ? store.labels : extraLabels(store);
    const image: Image = { name, labels, target: { mediaType, digest, size, annotations } };
    try {
      images.create(namespace, image);
      exchange.publish(namespace, '/images/create', ImageCreate, { name, labels });
    } catch (error) {
      if (!isStackError(error, 'already_exists')) throw error;
      images.update(namespace, image, []);
      exchange.publish(namespace, '/images/update', ImageUpdate, { name, labels });
      gc.schedule();
    }
    progress.line('saved', name, target);
  }
}

/** The images that a source means. Throws not_found; unimplemented for prefixes, as containerd does. */
export function imagesOf(
  { images }: TransferParts,
  { namespace }: Session,
  { name, extraReferences }: ImageStore,
): Image[] {
  if (extraReferences.some(({ isPrefix }) => isPrefix)) {
    throw new StackError('unimplemented', 'prefix lookup on export not implemented');
  }
  const names = [...(name === '' ? [] : [name]), ...extraReferences.map((other) => other.name)];
  return names.map((each) => images.get(namespace, each));
}

/** What an image's name points to. */
export function targetDescriptor({ name, target }: Image): Descriptor {
  if (!target) throw new StackError('data_loss', `image "${name}" has no target`);
  return target;
}

function annotatedName(
  { name: prefix, allowOverwrite }: ImageReference,
  annotations: Readonly<Record<string, string>>,
): string {
  const whole = annotations[imageNameAnnotation] ?? '';
  // A whole name is taken as it is or not at all.
  if (whole !== '') return prefixed(prefix, whole, allowOverwrite) === whole ? whole : '';
  const reference = annotations[refNameAnnotation] ?? '';
  return reference === '' ? '' : prefixed(prefix, reference, allowOverwrite);
}

/** A tag gets the prefix; a whole name stays, if it has the prefix or need not have it. */
function prefixed(prefix: string, reference: string, anyPrefix: boolean): string {
  if (prefix === '') return '';
  if (!/[/:@]/.test(reference)) return `${prefix}:${reference}`;
  const rest = reference.startsWith(prefix) ? reference.slice(prefix.length) : undefined;
  const hasPrefix = rest !== undefined && (rest === '' || /^[/:@]/.test(rest));
  return anyPrefix || hasPrefix ? reference : '';
}

function extraLabels({ name, labels }: ImageStore): Labels {
  if (name === '') return labels;
  return {
    ...labels,
    'containerd.io/gc.bref.image': name,
    'containerd.io/gc.expire': formatTimestamp(timestampNow()),
  };
}
