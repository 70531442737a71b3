/** An archive of images: an OCI layout that `docker load` reads as well. */
import { algorithmOf, encodedOf, parseDigest } from '#spec/digest';
import { StackError } from '#spec/errors';
import { mediaTypes, parseManifest, type Descriptor, type Index } from '#spec/oci/image';
import { parseDocument } from '#spec/oci/image-tree';
import { formatFamiliar, parseReference } from '#spec/reference';
import { endOfArchive, headerOf, paddingAfter } from '../pack/tar-writer.ts';
import { imageNameAnnotation, refNameAnnotation } from './annotations.ts';

/** An image of the archive. */
export interface NamedImage {
  /** As image stores write it, `docker.io/library/busybox:latest`; undefined for one that has none. */
  name: string | undefined;
  /** What its name points to. */
  target: Descriptor;
  /** What docker loads for it; undefined where the archive has no such platform. */
  manifest: Descriptor | undefined;
}

export interface ArchiveContent {
  images: readonly NamedImage[];
  /** Everything that is to be in it, each once. */
  blobs: readonly Descriptor[];
  /** Docker's own table of contents, for those that know no other. */
  dockerManifest: boolean;
}

/** Where the content comes from. */
export interface ArchiveSource {
  /** Throws not_found. */
  read(digest: string): Promise<Buffer>;
  blob(descriptor: Descriptor): AsyncIterable<Buffer>;
}

/** The archive, piece by piece. Throws data_loss for a blob that is not as long as it should be. */
export async function* writeArchive(
  { images, blobs, dockerManifest }: ArchiveContent,
  source: ArchiveSource,
): AsyncGenerator<Buffer> {
  yield* file('oci-layout', jsonOf({ imageLayoutVersion: '1.0.0' }));
  for (const blob of blobs) yield* blobFile(blob, source);
  const index: Index = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: images.map(namedTarget),
  };
  yield* file('index.json', jsonOf(index));
  if (dockerManifest) yield* file('manifest.json', jsonOf(await manifestOf(images, source)));
  yield endOfArchive;
}

/** The entry of the archive's index that names an image. */
function namedTarget({ name, target }: NamedImage): Descriptor {
  if (name === undefined) return target;
  const { tag } = parseReference(name);
  return {
    ...target,
    annotations: {
      ...target.annotations,
      [imageNameAnnotation]: name,
      [refNameAnnotation]: tag ?? name,
    },
  };
}

/** An element of docker's manifest.json. */
interface DockerEntry {
  Config: string;
  RepoTags: string[] | null;
  Layers: string[];
}

async function manifestOf(
  images: readonly NamedImage[],
  source: ArchiveSource,
): Promise<DockerEntry[]> {
  const byManifest = new Map<string, { names: string[]; manifest: Descriptor }>();
  for (const { name, manifest } of images) {
    if (!manifest) continue;
    const known = byManifest.get(manifest.digest) ?? { names: [], manifest };
    if (name !== undefined) known.names.push(formatFamiliar(parseReference(name)));
    byManifest.set(manifest.digest, known);
  }
  return Promise.all(
    [...byManifest.values()].map(async ({ names, manifest: { digest } }) => {
      const { config, layers } = parseManifest(parseDocument(await source.read(digest), digest));
      return {
        Config: blobName(config),
        RepoTags: names.length > 0 ? names : null,
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

async function* file(name: string, content: Buffer): AsyncGenerator<Buffer> {
  yield fileHeader(name, content.length);
  yield content;
  yield paddingAfter(content.length);
}

async function* blobFile(blob: Descriptor, source: ArchiveSource): AsyncGenerator<Buffer> {
  yield fileHeader(blobName(blob), blob.size);
  let written = 0;
  for await (const bytes of source.blob(blob)) {
    yield bytes;
    written += bytes.length;
  }
  if (written !== blob.size) {
    throw new StackError('data_loss', `${blob.digest} has ${written} bytes, not ${blob.size}`);
  }
  yield paddingAfter(blob.size);
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
