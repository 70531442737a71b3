/** Writes OCI image layouts (OCI image specification, "Image Layout") from layer archives. */
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { digestOf, encodedOf, type Digest } from '#spec/digest';

export interface Descriptor {
  mediaType: string;
  digest: Digest;
  size: number;
  platform?: { os: string; architecture: string; variant?: string };
}

export interface ImageSource {
  architecture: string;
  variant?: string;
  /** Layer archives without compression, the lowest first. */
  layers: readonly Buffer[];
  /** `config` of the OCI image configuration. */
  config: Readonly<Record<string, unknown>>;
  /** Changes the compressed bytes of a layer before they are named by their digest. */
  damage?: (compressed: Buffer) => Buffer;
  /** Diff IDs that the configuration claims, instead of the true ones. */
  diffIds?: readonly Digest[];
}

const created = '2026-01-02T03:04:05Z';

/** Writes a layout with one image, or an index of several. */
export function writeLayout(folder: string, images: readonly ImageSource[]): void {
  fs.mkdirSync(path.join(folder, 'blobs/sha256'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const manifests = images.map((image) => writeImage(folder, image));
  const [first] = manifests;
  const top =
    manifests.length === 1 && first
      ? first
      : writeBlob(folder, 'application/vnd.oci.image.index.v1+json', index(manifests));
  const tagged = { ...top, annotations: { 'org.opencontainers.image.ref.name': 'latest' } };
  fs.writeFileSync(path.join(folder, 'index.json'), index([tagged]));
}

function index(manifests: readonly Descriptor[]): string {
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  return JSON.stringify({ schemaVersion: 2, mediaType, manifests });
}

function writeImage(folder: string, image: ImageSource): Descriptor {
  const { architecture, variant, damage = (bytes: Buffer) => bytes } = image;
  const layers = image.layers.map((layer) =>
    writeBlob(
      folder,
      'application/vnd.oci.image.layer.v1.tar+gzip',
      damage(zlib.gzipSync(layer, { level: 6 })),
    ),
  );
  const config = writeBlob(
    folder,
    'application/vnd.oci.image.config.v1+json',
    JSON.stringify({
      created,
      architecture,
      ...(variant !== undefined && { variant }),
      os: 'linux',
      config: image.config,
      rootfs: { type: 'layers', diff_ids: image.diffIds ?? image.layers.map(digestOf) },
      history: layers.map((_, i) => ({ created, created_by: `layer ${i}` })),
    }),
  );
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = { schemaVersion: 2, mediaType, config, layers };
  return {
    ...writeBlob(folder, mediaType, JSON.stringify(manifest)),
    platform: { os: 'linux', architecture, ...(variant !== undefined && { variant }) },
  };
}

function writeBlob(folder: string, mediaType: string, content: string | Buffer): Descriptor {
  const digest = digestOf(content);
  fs.writeFileSync(path.join(folder, 'blobs/sha256', encodedOf(digest)), content);
  return { mediaType, digest, size: Buffer.byteLength(content) };
}
