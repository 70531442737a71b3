/** Exports images as one archive, an OCI layout that `docker load` reads as well, to a client. */
import fs from 'node:fs';
import { endOfArchive, headerOf, paddingAfter } from '#lib/pack/tar-writer';
import { hostPlatform } from '#lib/registry/platform';
import type { ImageExportStream } from '#proto/generated/containerd.types.transfer';
import type { Image } from '#proto/generated/containerd.services.images.v1';
import { encodedOf, parseDigest, algorithmOf } from '#spec/digest';
import { StackError } from '#spec/errors';
import {
  isIndexType,
  isManifestType,
  mediaTypes,
  parseManifest,
  type Descriptor,
  type Index,
} from '#spec/oci/image';
import { formatFamiliar, parseReference } from '#spec/reference';
import { ByteSender } from '../streaming/byte-stream.ts';
import { Blobs } from './blobs.ts';
import { imageNameAnnotation, refNameAnnotation, targetDescriptor } from './image-store.ts';
import { nodeOf, parseDocument } from '#spec/oci/image-tree';
import { isWanted, platformOf } from './platforms.ts';
import type { Session, TransferParts } from './session.ts';

const readBytes = 1 << 20;

/** Throws not_found for content that is not stored, or an index without the wanted platform. */
export async function exportImages(
  parts: TransferParts,
  session: Session,
  images: readonly Image[],
  options: ImageExportStream,
): Promise<void> {
  const { namespace, progress, signal } = session;
  progress.line('Exporting');
  const sender = new ByteSender(parts.streams.get(namespace, options.stream));
  try {
    const blobs = new Blobs(parts, session);
    const collected = await collect(images, options, blobs);
    await writeFile(sender, 'oci-layout', jsonOf({ imageLayoutVersion: '1.0.0' }));
    for (const blob of collected.blobs.values()) {
      signal.throwIfAborted();
      await writeBlob(sender, blobs.path(blob.digest), blob);
    }
    const index: Index = {
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: images.map(namedTarget),
    };
    await writeFile(sender, 'index.json', jsonOf(index));
    if (!options.skipCompatibilityManifest) {
      await writeFile(
        sender,
        'manifest.json',
        jsonOf(await dockerManifest(collected.named, blobs)),
      );
    }
    await sender.write(endOfArchive);
  } finally {
    sender.close();
  }
  progress.line('Completed export');
}

interface Collected {
  /** By digest, each once. */
  blobs: Map<string, Descriptor>;
  /** The manifest that docker will load for a name. */
  named: { name: string; manifest: Descriptor }[];
}

async function collect(
  images: readonly Image[],
  { platforms, allPlatforms, skipNonDistributable }: ImageExportStream,
  blobs: Blobs,
): Promise<Collected> {
  const wanted = platforms.length > 0 ? platforms.map(platformOf) : [hostPlatform()];
  const collected: Collected = { blobs: new Map(), named: [] };
  const visit = async (blob: Descriptor): Promise<void> => {
    if (skipNonDistributable && /nondistributable|foreign/.test(blob.mediaType)) return;
    collected.blobs.set(blob.digest, blob);
    if (!isManifestType(blob.mediaType)) return;
    for (const child of nodeOf(blob, await blobs.read(blob.digest)).children) await visit(child);
  };
  for (const image of images) {
    const target = targetDescriptor(image);
    await visit(target);
    if (isManifestType(target.mediaType)) {
      collected.named.push({ name: image.name, manifest: target });
      continue;
    }
    if (!isIndexType(target.mediaType)) {
      throw new StackError('invalid_argument', 'only manifests may be exported');
    }
    const { children } = nodeOf(target, await blobs.read(target.digest));
    const matching = children.filter((child) => isWanted(wanted, child));
    for (const child of allPlatforms ? children : matching) await visit(child);
    const [manifest] = matching.filter(({ mediaType }) => isManifestType(mediaType));
    if (manifest) collected.named.push({ name: image.name, manifest });
    else if (!allPlatforms) {
      throw new StackError('not_found', 'no manifest found for platform: not found');
    }
  }
  return collected;
}

/** The entry of the archive's index that names an image. */
function namedTarget(image: Image): Descriptor {
  const { tag } = parseReference(image.name);
  const target = targetDescriptor(image);
  return {
    ...target,
    annotations: {
      ...target.annotations,
      [imageNameAnnotation]: image.name,
      [refNameAnnotation]: tag ?? image.name,
    },
  };
}

/** Docker's own table of contents. */
async function dockerManifest(named: Collected['named'], blobs: Blobs) {
  const byManifest = new Map<string, { names: string[]; manifest: Descriptor }>();
  for (const { name, manifest } of named) {
    const known = byManifest.get(manifest.digest) ?? { names: [], manifest };
    known.names.push(formatFamiliar(parseReference(name)));
    byManifest.set(manifest.digest, known);
  }
  return Promise.all(
    [...byManifest.values()].map(async ({ names, manifest }) => {
      const { config, layers } = parseManifest(
        parseDocument(await blobs.read(manifest.digest), manifest.digest),
      );
      return {
        Config: blobName(config),
        RepoTags: names,
        Layers: layers.map(blobName),
      };
    }),
  );
}

function blobName({ digest: text }: Descriptor): string {
  const digest = parseDigest(text);
  return `blobs/${algorithmOf(digest)}/${encodedOf(digest)}`;
}

function jsonOf(document: object): Buffer {
  return Buffer.from(JSON.stringify(document));
}

async function writeFile(sender: ByteSender, name: string, content: Buffer): Promise<void> {
  await sender.write(fileHeader(name, content.length));
  await sender.write(content);
  await sender.write(paddingAfter(content.length));
}

async function writeBlob(sender: ByteSender, file: string, blob: Descriptor): Promise<void> {
  await sender.write(fileHeader(blobName(blob), blob.size));
  let written = 0;
  for await (const bytes of fs.createReadStream(file, { highWaterMark: readBytes })) {
    await sender.write(bytes as Buffer); // no encoding was asked for
    written += (bytes as Buffer).length;
  }
  if (written !== blob.size) {
    throw new StackError('data_loss', `${blob.digest} has ${written} bytes, not ${blob.size}`);
  }
  await sender.write(paddingAfter(blob.size));
}

function fileHeader(name: string, sizeBytes: number): Buffer {
  return headerOf({
    type: 'file',
    name,
    linkName: '',
    mode: 0o444,
    uid: 0,
    gid: 0,
    sizeBytes,
    modificationTime: { seconds: 0, nanoseconds: 0 },
    device: { major: 0, minor: 0 },
    xattrs: new Map(),
  });
}
