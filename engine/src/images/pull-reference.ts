/** Pulls by reference, by the way that the containerd offers, and names what was pulled. */
import { hostPlatform, parsePlatform, platformMatches } from '#lib/registry/platform';
import {
  familiarName,
  formatFamiliar,
  formatReference,
  repositoryOf,
  type ImageReference,
} from '#spec/reference';
import { isStackError, StackError } from '#spec/errors';
import { isLite } from '../containerd/peer.ts';
import { platformMismatch } from './image-catalog.ts';
import { publishImageEvent, publishReferenceEvent } from './image-events.ts';
import type { ImageParts } from './image-parts.ts';
import type { PullOptions, PullProgress, StoredImage } from './image-service.ts';
import { withPullLease } from './lease.ts';
import { PullReporter } from './pull-progress.ts';
import { pullImage, type PulledImage } from './pull-image.ts';
import { hasTransfer, pullByTransfer } from './transfer-pull.ts';

type OnProgress = (message: PullProgress) => void;

/** Pulls what a reference with a tag or digest names. Throws as ImageService.pull. */
export async function pullReference(
  parts: ImageParts,
  reference: ImageReference,
  options: PullOptions,
  onProgress: OnProgress,
): Promise<StoredImage> {
  const { image, changed } = await pullOne(parts, reference, options, onProgress);
  publishPull(parts, reference, image.documents);
  tellStatus(reference, changed, onProgress);
  tellMismatch(reference, image, options, onProgress);
  return image.stored;
}

/** Pulls all tags of a repository, as docker does for a name without a tag. */
export async function pullAllTags(
  parts: ImageParts,
  repository: ImageReference,
  options: PullOptions,
  onProgress: OnProgress,
): Promise<void> {
  if (repository.digest !== undefined || repository.tag !== undefined) {
    await pullReference(parts, repository, options, onProgress);
    return;
  }
  const { credentials, signal } = options;
  const tags = await parts.registry
    .repository(repository, { ...(credentials && { credentials }), ...(signal && { signal }) })
    .tags();
  let changed = false;
  for (const tag of tags) {
    const pulled = await pullOne(parts, { ...repository, tag }, options, onProgress);
    changed ||= pulled.changed;
  }
  await publishReferenceEvent(parts, 'pull', repository);
  tellStatus(repository, changed, onProgress);
}

interface Pulled {
  image: { stored: StoredImage; documents: PulledImage['image'] };
  /** Whether its name means something else than before. */
  changed: boolean;
}

async function pullOne(
  parts: ImageParts,
  reference: ImageReference,
  options: PullOptions,
  onProgress: OnProgress,
): Promise<Pulled> {
  const known = new Set((await parts.catalog.entries()).map(({ id }) => id));
  const pull: Pull = { parts, reference, options, known, reporter: new PullReporter(onProgress) };
  let pulled: Pulled;
  try {
    pulled = (await pullsByItself(parts, reference)) ? await transfer(pull) : await fetch(pull);
  } catch (error) {
    throw inDockersWords(error, reference);
  }
  return pulled;
}

function publishPull(
  parts: ImageParts,
  reference: ImageReference,
  documents: Pulled['image']['documents'],
): void {
  const shown = formatFamiliar(reference);
  publishImageEvent(parts, 'pull', shown, documents, familiarName(repositoryOf(reference)));
}

/** What each way of pulling works with. */
interface Pull {
  parts: ImageParts;
  reference: ImageReference;
  options: PullOptions;
  /** Ids of the images that were here before. */
  known: ReadonlySet<string>;
  reporter: PullReporter;
}

/** Over a containerd that does all of it. */
async function transfer(pull: Pull): Promise<Pulled> {
  const { parts, reference, options, reporter } = pull;
  const { client, snapshotter, documents } = parts;
  const pulled = await pullByTransfer(client, snapshotter, reference, options, reporter);
  try {
    const { target } = pulled;
    const { platform } = options;
    const wanted = platform === undefined ? hostPlatform() : parsePlatform(platform);
    return await named(pull, { target, image: await documents.read(target, wanted) });
  } finally {
    await pulled.release();
  }
}

/** Over a containerd that only stores. */
function fetch(pull: Pull): Promise<Pulled> {
  const { parts, reference, options, reporter } = pull;
  return withPullLease(parts.client, async (lease) =>
    named(pull, await pullImage(parts, reference, options, lease, reporter)),
  );
}

/** Tells what was pulled and gives it its name. */
async function named(
  { parts: { names, catalog }, reference, known, reporter }: Pull,
  { target, image }: PulledImage,
): Promise<Pulled> {
  if (known.has(image.id)) reporter.forgetPresent();
  reporter.line(`Digest: ${target.digest}`);
  const name = formatReference(reference);
  const changed = await names.set(name, target);
  const record = { name, target, createdAt: new Date() };
  const entry = (await catalog.entries()).find(({ id }) => id === image.id);
  const all = entry ?? { id: image.id, documents: image, records: [record] };
  return { image: { stored: await catalog.stored(all, record), documents: image }, changed };
}

/** Docker's sentence about content that is not what its digest says. */
function inDockersWords(error: unknown, { digest }: ImageReference): unknown {
  if (!isStackError(error, 'data_loss')) return error;
  const expected = /has the wrong digest: expected (\S+), got /.exec(error.message)?.[1];
  if (expected === undefined) return error;
  const what = expected === digest ? 'manifest' : 'filesystem layer';
  const message = `${what} verification failed for digest ${expected}`;
  return new StackError('data_loss', message, { cause: error });
}

function tellStatus(reference: ImageReference, changed: boolean, onProgress: OnProgress): void {
  const what = changed ? 'Downloaded newer image for' : 'Image is up to date for';
  onProgress({ status: `Status: ${what} ${formatFamiliar(reference)}` });
}

/** An image that is not an index has the platform that it has, whatever was asked for: docker warns. */
function tellMismatch(
  reference: ImageReference,
  { documents }: Pulled['image'],
  { platform }: PullOptions,
  onProgress: OnProgress,
): void {
  if (platform === undefined) return;
  const wanted = parsePlatform(platform);
  if (platformMatches(wanted, documents.config)) return;
  const { message } = platformMismatch(formatFamiliar(reference), documents, wanted);
  onProgress({ status: `WARNING: ${message}` });
}

/** Whether a containerd pulls by itself, by client. */
const transferPeers = new WeakMap<ImageParts['client'], Promise<boolean>>();

/**
 * Whether containerd can be asked for the whole pull: it is our own, whose progress and errors are as docker's, and the
 * registry needs none of engined's settings.
 */
async function pullsByItself(
  { client, registry }: ImageParts,
  reference: ImageReference,
): Promise<boolean> {
  let answer = transferPeers.get(client);
  if (!answer) {
    answer = Promise.all([isLite(client), hasTransfer(client)]).then((all) => all.every(Boolean));
    transferPeers.set(client, answer);
    answer.catch(() => transferPeers.delete(client)); // asked again next time
  }
  return registry.usesDefaults(reference) && (await answer);
}
