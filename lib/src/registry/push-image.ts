/** Pushes an image with everything below it, and leaves every byte as it is: digests stay what they are. */
import { Slots } from '#lib/concurrency/slots';
import { isStackError } from '#spec/errors';
import {
  isIndexType,
  isManifestType,
  mediaTypes,
  parseIndex,
  parseManifest,
  type Descriptor,
} from '#spec/oci/image';
import { manifestTypes } from './manifest.ts';
import { pushBlob, verifyStored, type PushedBlob } from './push-blob.ts';
import { listReferrer } from './referrers.ts';
import type { RemoteRepository } from './registry-client.ts';
import { withRetries } from './retry.ts';

/** Where the image's content comes from. */
export interface PushSource {
  /** A manifest or an index. Throws not_found. */
  document(descriptor: Descriptor): Promise<Buffer>;
  /** A blob from `offset` on. */
  blob(descriptor: Descriptor, offset: number): AsyncIterable<Uint8Array>;
  /** Repositories of the same registry that are believed to have a blob. */
  repositoriesOf?(descriptor: Descriptor): Promise<readonly string[]>;
}

export interface PushProgress {
  descriptor: Descriptor;
  /** The index or manifest that names it; undefined for what is pushed itself. */
  parent: Descriptor | undefined;
  state: 'waiting' | 'uploading' | 'skipped' | PushedBlob;
  /** The repository that a blob was mounted from. */
  from?: string;
  /** Bytes sent. */
  offset: number;
}

export interface PushImageOptions {
  /** Called whenever something changes, often. */
  onProgress?: (progress: PushProgress) => void;
  /** Shared with other pushes; without them as many blobs as a push sends by itself. */
  slots?: Slots | undefined;
  /** Which manifests of an index are pushed; all of them without it. A registry may refuse an index with gaps. */
  wants?: (manifest: Descriptor) => boolean;
}

const defaultParallel = 4;

/** Layers that are not to be copied: their descriptors say where they are. */
const foreignTypes: readonly string[] = [
  mediaTypes.ociLayerNondistributable,
  mediaTypes.ociLayerNondistributableGzip,
  mediaTypes.ociLayerNondistributableZstd,
  mediaTypes.dockerLayerForeign,
  mediaTypes.dockerLayerForeignGzip,
];

/**
 * Pushes `root`, a manifest or an index, to the tag or digest that the repository's reference names: blobs first, in
 * parallel, then what refers to them.
 */
export async function pushImage(
  repository: RemoteRepository,
  root: Descriptor,
  source: PushSource,
  { onProgress, slots = new Slots(defaultParallel), wants = () => true }: PushImageOptions = {},
): Promise<void> {
  const report = (item: Item, state: PushProgress['state'], offset = 0, from?: string) =>
    onProgress?.({
      ...{ descriptor: item.descriptor, parent: item.parent, state, offset },
      ...(from !== undefined && { from }),
    });
  const { blobs, documents } = await everythingBelow(root, source, wants);
  for (const item of [...blobs, ...documents]) report(item, 'waiting');
  await inSlots(slots, blobs, async (item) => {
    const { descriptor } = item;
    if (foreignTypes.includes(descriptor.mediaType)) {
      report(item, 'skipped');
      return;
    }
    let from: string | undefined;
    const pushed = await pushBlob(repository, descriptor, {
      read: (offset) => source.blob(descriptor, offset),
      mountFrom: (await source.repositoriesOf?.(descriptor)) ?? [],
      onMounted: (other) => (from = other),
      onProgress: (offset) => report(item, 'uploading', offset),
    });
    report(item, pushed, descriptor.size, from);
  });
  for (const item of documents) {
    const isRoot = item.descriptor.digest === root.digest;
    const { tag } = repository.session.reference;
    const name = isRoot && tag !== undefined ? tag : item.descriptor.digest;
    report(item, 'uploading');
    report(item, await pushManifest(repository, name, item), item.descriptor.size);
  }
}

interface Item {
  descriptor: Descriptor;
  parent: Descriptor | undefined;
}

interface Document extends Item {
  content: Buffer;
}

/** Each once: blobs, and documents in the order in which a registry takes them, children first. */
async function everythingBelow(
  root: Descriptor,
  source: PushSource,
  wants: (manifest: Descriptor) => boolean,
): Promise<{ blobs: Item[]; documents: Document[] }> {
  const blobs: Item[] = [];
  const documents: Document[] = [];
  const seen = new Set<string>();
  const visit = async (descriptor: Descriptor, parent: Descriptor | undefined): Promise<void> => {
    if (seen.has(descriptor.digest)) return;
    seen.add(descriptor.digest);
    const { mediaType } = descriptor;
    if (!isIndexType(mediaType) && !isManifestType(mediaType)) {
      blobs.push({ descriptor, parent });
      return;
    }
    const content = await source.document(descriptor);
    for (const child of childrenOf(mediaType, content)) {
      if (!isIndexType(mediaType) || wants(child)) await visit(child, descriptor);
    }
    documents.push({ descriptor, parent, content });
  };
  await visit(root, undefined);
  return { blobs, documents };
}

function childrenOf(mediaType: string, content: Buffer): Descriptor[] {
  const document: unknown = JSON.parse(content.toString('utf8'));
  if (isIndexType(mediaType)) return parseIndex(document).manifests;
  const { config, layers } = parseManifest(document);
  return [config, ...layers];
}

async function pushManifest(
  repository: RemoteRepository,
  name: string,
  document: Document,
): Promise<PushedBlob> {
  const { session, retries } = repository;
  const { descriptor, content } = document;
  const { mediaType, digest } = descriptor;
  const path = `manifests/${name}`;
  const accept = manifestTypes.join(', ');
  const again = <T>(action: () => Promise<T>) => withRetries(retries, action, session.signal);
  try {
    const known = await again(() =>
      session.request(path, { method: 'HEAD', capability: 'push', headers: { accept } }),
    );
    if (known.header('docker-content-digest') === digest) {
      await listReferrer(repository, document, undefined);
      return 'exists';
    }
  } catch (error) {
    if (!isStackError(error, 'not_found')) throw error;
  }
  const response = await again(() =>
    session.request(path, {
      method: 'PUT',
      capability: 'push',
      headers: { 'content-type': mediaType },
      body: {
        sizeBytes: content.length,
        async *read() {
          yield content;
        },
      },
    }),
  );
  verifyStored(response, digest);
  await listReferrer(repository, document, response);
  return 'uploaded';
}

/** Begins nothing more after the first failure, which it throws when everything under way has ended. */
async function inSlots<T>(
  slots: Slots,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const carryOut = async (item: T): Promise<void> => {
    if (failures.length > 0) return;
    try {
      await work(item);
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(items.map((item) => slots.run(() => carryOut(item))));
  if (failures.length > 0) throw failures[0];
}
