/** What is stored of an image, manifest by manifest: one for each platform, and attestations (API 1.47 and newer). */
import { chainIdsOf, parseDigest } from '#spec/digest';
import { isStackError } from '#spec/errors';
import {
  isConfigType,
  isIndexType,
  isManifestType,
  parseManifest,
  type Descriptor,
} from '#spec/oci/image';
import { parseDocument } from '#spec/oci/image-tree';
import type { ManifestSummary } from './api-types.ts';
import { describeImage, type ImageDocuments } from './documents.ts';
import type { ImageParts } from './image-parts.ts';

/** How BuildKit marks what says something about another manifest. */
const referenceType = 'vnd.docker.reference.type';
const referenceDigest = 'vnd.docker.reference.digest';

/** In the order of the index. */
export async function manifestSummaries(
  parts: ImageParts,
  target: Descriptor,
): Promise<ManifestSummary[]> {
  const manifests = isIndexType(target.mediaType)
    ? (await parts.documents.index(target.digest)).manifests
    : [target];
  return Promise.all(
    manifests
      .filter(({ mediaType }) => isManifestType(mediaType))
      .map((manifest) => summaryOf(parts, manifest)),
  );
}

async function summaryOf(parts: ImageParts, manifest: Descriptor): Promise<ManifestSummary> {
  const { annotations = {} } = manifest;
  const stored = await storedBelow(parts, manifest);
  const content = stored.blobs.reduce((total, { size }) => total + size, 0);
  const common = {
    ID: manifest.digest,
    Descriptor: manifest,
    Available: stored.complete,
    Size: { Content: content, Total: content },
  };
  if (annotations[referenceType] === 'attestation-manifest') {
    const subject = annotations[referenceDigest] ?? '';
    return { ...common, Kind: 'attestation', AttestationData: { For: subject } };
  }
  const { image } = stored;
  const platform = manifest.platform ?? image?.config;
  if (!platform) return { ...common, Kind: 'unknown' };
  const unpacked = image ? await unpackedBytes(parts, image) : 0;
  const { os, architecture, variant } = platform;
  return {
    ...common,
    Size: { Content: content, Total: content + unpacked },
    Kind: 'image',
    ImageData: {
      Platform: { architecture, os, ...(variant !== undefined && { variant }) },
      Size: { Unpacked: unpacked },
      Containers: image ? parts.usersOf(image.id).map(({ containerId }) => containerId) : [],
    },
  };
}

interface StoredBelow {
  /** The manifest itself included. */
  blobs: readonly Descriptor[];
  complete: boolean;
  /** Undefined for what is no container image. */
  image: ImageDocuments | undefined;
}

async function storedBelow({ content }: ImageParts, manifest: Descriptor): Promise<StoredBelow> {
  try {
    const document = parseManifest(
      parseDocument(await content.read(manifest.digest), manifest.digest),
    );
    const children = [document.config, ...document.layers];
    const present = await Promise.all(children.map(({ digest }) => content.has(digest)));
    const blobs = [manifest, ...children.filter((_, i) => present[i])];
    const [hasConfig] = present;
    const image =
      hasConfig && isConfigType(document.config.mediaType)
        ? describeImage(
            parseDigest(manifest.digest),
            document,
            await content.read(document.config.digest),
          )
        : undefined;
    return { blobs, complete: present.every(Boolean), image };
  } catch (error) {
    if (!isStackError(error, 'not_found')) throw error;
    return { blobs: [], complete: false, image: undefined };
  }
}

async function unpackedBytes({ unpacker }: ImageParts, image: ImageDocuments): Promise<number> {
  const sizes = await Promise.all(
    chainIdsOf(image.diffIds).map((chainId) => unpacker.layerBytes(chainId)),
  );
  return sizes.reduce<number>((total, size) => total + (size ?? 0), 0);
}
