/** A new image from what a container has changed in its own: one more layer and another config. */
import { randomUUID } from 'node:crypto';
import type { ContainerdClient } from '#proto/containerd-client';
import type { Mount } from '#proto/generated/containerd.types';
import { digestOf, parseDigest } from '#spec/digest';
import { StackError } from '#spec/errors';
import {
  mediaTypes,
  type Descriptor,
  type ImageConfig,
  type ImageExecutionConfig,
  type Manifest,
} from '#spec/oci/image';
import { describeImage, type ImageDocuments } from './documents.ts';
import { manifestLabels, uncompressedLabel } from '#spec/oci/image-tree';
import type { ImageContent } from './image-content.ts';
import type { Unpacker } from './unpack-image.ts';

export interface CommitRequest {
  /** What the container was made from. */
  readonly base: ImageDocuments;
  /** The container's root. */
  readonly mounts: readonly Mount[];
  readonly snapshotter: string;
  /** What containers of the new image run. */
  readonly config: ImageExecutionConfig;
  readonly author: string;
  readonly comment: string;
  /** For the history: what ran in the container. */
  readonly createdBy: string;
}

/** A committed image, stored and unpacked, which nothing names yet: the lease keeps it. */
export interface CommittedImage {
  readonly target: Descriptor;
  readonly image: ImageDocuments;
}

/** Packs the changes, stores them with a config and a manifest of their own, and unpacks them. */
export async function commitImage(
  client: ContainerdClient,
  content: ImageContent,
  unpacker: Unpacker,
  request: CommitRequest,
  lease: string,
): Promise<CommittedImage> {
  const { base, config, author, comment, createdBy } = request;
  const isDocker = base.manifest.config.mediaType === mediaTypes.dockerConfig;
  const layer = await packLayer(client, request, isDocker, lease);
  const diffId = await diffIdOf(client, layer);
  const created = new Date().toISOString();
  const step = {
    created,
    created_by: createdBy,
    ...(author !== '' && { author }),
    ...(comment !== '' && { comment }),
  };
  const imageConfig: ImageConfig = {
    ...base.config,
    created,
    ...(author !== '' && { author }),
    config,
    rootfs: { type: 'layers', diff_ids: [...base.diffIds, diffId] },
    history: [...(base.config.history ?? []), step],
  };
  const configBytes = Buffer.from(JSON.stringify(imageConfig));
  const configDescriptor = describe(base.manifest.config.mediaType, configBytes);
  const manifestType = isDocker ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: configDescriptor,
    layers: [...base.manifest.layers, layer],
  };
  const manifestBytes = Buffer.from(JSON.stringify(manifest));
  const target = describe(manifestType, manifestBytes);
  await content.storeDocument(configDescriptor, configBytes, {}, lease);
  const labels = manifestLabels(manifest);
  await content.storeDocument(target, manifestBytes, labels, lease);
  const image = describeImage(parseDigest(target.digest), manifest, configBytes);
  await unpacker.unpack(image, lease);
  return { target, image };
}

/** The difference between the container's root and that of its image, as containerd's own clients ask for it. */
async function packLayer(
  { snapshots, diff }: ContainerdClient,
  { base, mounts, snapshotter }: CommitRequest,
  isDocker: boolean,
  lease: string,
): Promise<Descriptor> {
  const key = `commit-${randomUUID()}`;
  const { mounts: left } = await snapshots.view(
    { snapshotter, key, parent: base.chainId, labels: {} },
    { lease },
  );
  try {
    const { diff: layer } = await diff.diff(
      {
        left,
        right: [...mounts],
        mediaType: mediaTypes.ociLayerGzip,
        ref: key,
        labels: {},
      },
      { lease },
    );
    if (!layer) throw new StackError('internal', 'containerd made no layer of the changes');
    const mediaType = isDocker ? mediaTypes.dockerLayerGzip : layer.mediaType;
    return { mediaType, digest: layer.digest, size: layer.size };
  } finally {
    await snapshots.remove({ snapshotter, key }).catch(() => undefined); // the lease ends soon
  }
}

/** containerd notes it on the layer. */
async function diffIdOf({ content }: ContainerdClient, { digest }: Descriptor): Promise<string> {
  const { info } = await content.info({ digest });
  const diffId = info?.labels[uncompressedLabel];
  if (diffId === undefined) {
    throw new StackError('internal', `containerd did not say what layer ${digest} is uncompressed`);
  }
  return diffId;
}

function describe(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}
