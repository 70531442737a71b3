/**
 * The embedded image `hello`: an OCI image whose only layer holds one static executable, so that a container can
 * run where no registry is reachable. The same version yields the same digests on every machine.
 */
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { digestOf, type Digest } from '#spec/digest';
import { mediaTypes, type Descriptor, type ImageConfig, type Manifest } from '#spec/oci/image';
import type { Architecture } from '#lib/sys/syscalls';
import { helloElf } from './hello-executable.ts';

/** A document or layer of an image, with its descriptor. */
export interface Blob {
  readonly descriptor: Descriptor & { digest: Digest };
  readonly content: Buffer;
}

/** An image in memory: what a content store must hold for it, children before parents. */
export interface HelloImage {
  readonly layer: Blob;
  readonly config: Blob;
  readonly manifest: Blob;
}

/** The reference under which engined makes the image known. */
export const helloReference = 'docker.io/library/hello:latest';

/** Names of the architectures in image documents (those of Go). */
const imageArchitectures: Readonly<Record<Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/** No time of build: it would change the digests. */
const created = '1970-01-01T00:00:00Z';

export function helloImage(architecture: Architecture): HelloImage {
  const archive = tarOfOneFile('hello', helloElf(architecture));
  // Stored, not compressed: the bytes of deflate differ between versions of zlib, and 10 KB need none.
  const layer = blob(mediaTypes.ociLayerGzip, gzipSync(archive, { level: 0 }));
  const config = jsonBlob(mediaTypes.ociConfig, {
    created,
    architecture: imageArchitectures[architecture],
    os: 'linux',
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Cmd: ['/hello'],
      WorkingDir: '/',
    },
    rootfs: { type: 'layers', diff_ids: [digestOf(archive)] },
    history: [{ created, created_by: 'lib/src/hello-image' }],
  });
  const manifest = jsonBlob(mediaTypes.ociManifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: config.descriptor,
    layers: [layer.descriptor],
  });
  return { layer, config, manifest };
}

/** Writes the image to `folder` as an OCI image layout (image-layout.md of the image specification). */
export function writeHelloImage(folder: string, architecture: Architecture): void {
  const { layer, config, manifest } = helloImage(architecture);
  const blobs = path.join(folder, 'blobs', 'sha256');
  fs.mkdirSync(blobs, { recursive: true });
  for (const { descriptor, content } of [layer, config, manifest]) {
    fs.writeFileSync(path.join(blobs, descriptor.digest.slice('sha256:'.length)), content);
  }
  const platform = { architecture: imageArchitectures[architecture], os: 'linux' };
  const annotations = {
    'io.containerd.image.name': helloReference,
    'org.opencontainers.image.ref.name': 'latest',
  };
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [{ ...manifest.descriptor, platform, annotations }],
  };
  fs.writeFileSync(path.join(folder, 'index.json'), JSON.stringify(index));
  fs.writeFileSync(path.join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}

function blob(mediaType: string, content: Buffer): Blob {
  return { descriptor: { mediaType, digest: digestOf(content), size: content.length }, content };
}

function jsonBlob(mediaType: string, value: ImageConfig | Manifest): Blob {
  return blob(mediaType, Buffer.from(JSON.stringify(value)));
}

const tarBlock = 512;

/** A tar archive (ustar) with one executable of root's. */
function tarOfOneFile(name: string, content: Buffer): Buffer {
  const header = new Header({
    path: name,
    mode: 0o755,
    uid: 0,
    gid: 0,
    size: content.length,
    mtime: new Date(created),
    type: 'File',
    uname: 'root',
    gname: 'root',
  });
  header.encode();
  if (!header.block) throw new Error('tar encodes headers of short names in place');
  const padding = Buffer.alloc(-content.length & (tarBlock - 1));
  return Buffer.concat([header.block, content, padding, Buffer.alloc(2 * tarBlock)]);
}
