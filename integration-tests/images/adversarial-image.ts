/** An image whose layers hold everything that a tar archive can say about files, and what is easily got wrong. */
import zlib from 'node:zlib';
import { headerOf, paddingAfter, endOfArchive } from '#lib/pack/tar-writer';
import type { PushSource } from '#lib/registry/push-image';
import type { ByteString, TarEntry } from '#lib/unpack/tar-entry';
import { digestOf } from '#spec/digest';
import { layerCompression, mediaTypes, type Descriptor } from '#spec/oci/image';

/** As setcap(8) writes it: version 2, cap_net_raw effective and permitted. */
export const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');

const capable = new Map([['security.capability', capability]]);

export interface TestImage {
  manifest: Descriptor;
  source: PushSource;
}

interface Entry extends Partial<Omit<TarEntry, 'name' | 'sizeBytes'>> {
  name: ByteString;
  content?: string;
  /** Further pax records. */
  pax?: ReadonlyMap<string, string>;
}

/** `mediaType` is that of the layer in the middle. */
export function adversarialImage(mediaType: string = mediaTypes.ociLayer): TestImage {
  const layers = [
    { mediaType: mediaTypes.ociLayerGzip, archive: baseLayer() },
    { mediaType, archive: changesLayer() },
    { mediaType: mediaTypes.ociLayerGzip, archive: secondChangesLayer() },
  ];
  return imageOf(layers);
}

/** An image with these layers, bare archives; each is compressed as its media type says. */
export function imageOf(layers: readonly { mediaType: string; archive: Buffer }[]): TestImage {
  const contents = new Map<string, Buffer>();
  const describe = (mediaType: string, content: Buffer): Descriptor => {
    const digest = digestOf(content);
    contents.set(digest, content);
    return { mediaType, digest, size: content.length };
  };
  const describedLayers = layers.map(({ mediaType, archive }) =>
    describe(mediaType, compressed(mediaType, archive)),
  );
  const config = {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ archive }) => digestOf(archive)) },
  };
  const manifest = describe(
    mediaTypes.ociManifest,
    json({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: describe(mediaTypes.ociConfig, json(config)),
      layers: describedLayers,
    }),
  );
  const contentOf = ({ digest }: Descriptor): Buffer => {
    const content = contents.get(digest);
    if (!content) throw new Error(`no content ${digest}`);
    return content;
  };
  return {
    manifest,
    source: {
      document: async (descriptor) => contentOf(descriptor),
      async *blob(descriptor, offset) {
        yield contentOf(descriptor).subarray(offset);
      },
    },
  };
}

function compressed(mediaType: string, archive: Buffer): Buffer {
  switch (layerCompression(mediaType)) {
    case 'gzip':
      return zlib.gzipSync(archive);
    case 'zstd':
      return zlib.zstdCompressSync(archive);
    default:
      return archive;
  }
}

function baseLayer(): Buffer {
  const sparse = `2\n0\n512\n20000000\n512\n`.padEnd(512, '\0') + 'x'.repeat(512) + 'y'.repeat(512);
  return archive([
    { name: './', type: 'directory', mode: 0o755 },
    { name: 'dir/', type: 'directory', mode: 0o1751, uid: 70_000, gid: 4_000_000_000 },
    { name: 'dir/file', content: 'content', mode: 0o4711, uid: 4_000_000_001 },
    { name: 'dir/hard', type: 'link', linkName: 'dir/file' },
    { name: './dir/./dots/../dotted', content: 'cleaned' },
    { name: '/absolute', content: 'below the root' },
    { name: 'soft', type: 'symlink', linkName: '/dir/nowhere' },
    { name: 'hard-soft', type: 'link', linkName: 'soft' },
    { name: 'early', content: '', modificationTime: { seconds: -2, nanoseconds: 500_000_001 } },
    { name: 'late', content: '', modificationTime: { seconds: 4_300_000_000, nanoseconds: 1 } },
    { name: `${'d'.repeat(120)}/${'n'.repeat(250)}`, content: 'long' },
    { name: 'long-link', type: 'symlink', linkName: 't'.repeat(300) },
    { name: Buffer.from('früh').toString('latin1'), content: 'utf-8' },
    { name: 'n\xffame', content: 'no utf-8' },
    { name: 'null', type: 'character', mode: 0o666, device: { major: 1, minor: 3 } },
    { name: 'disk', type: 'block', mode: 0o660, device: { major: 259, minor: 70_000 } },
    { name: 'pipe', type: 'fifo', mode: 0o622 },
    { name: 'ping', content: 'x', xattrs: capable },
    { name: 'noted', content: '', xattrs: new Map([['user.note', Buffer.from([0, 10, 61, 255])]]) },
    { name: 'noted-dir/', type: 'directory', xattrs: new Map([['user.d', Buffer.from('1')]]) },
    {
      name: 'GNUSparseFile.0/sparse',
      content: sparse,
      pax: new Map([
        ['GNU.sparse.major', '1'],
        ['GNU.sparse.minor', '0'],
        ['GNU.sparse.name', 'sparse'],
        ['GNU.sparse.realsize', '30000000'],
      ]),
    },
    { name: 'twice', content: 'first' },
    { name: 'twice', content: 'second, longer', mode: 0o600 },
    { name: 'opaque/', type: 'directory' },
    { name: 'opaque/a', content: '1' },
    { name: 'opaque/sub/b', content: '2' },
    { name: 'gone/inside', content: '3' },
    { name: 'file-to-dir', content: '4' },
    { name: 'dir-to-file/inside', content: '5' },
    { name: 'link-to-dir', type: 'symlink', linkName: 'dir' },
  ]);
}

function changesLayer(): Buffer {
  return archive([
    { name: 'dir/', type: 'directory', mode: 0o700, uid: 1, modificationTime: seconds(77) },
    { name: 'dir/added', content: 'in a directory that changes' },
    { name: 'noted-dir/added', content: 'in a directory that the layer does not name' },
    { name: '.wh.gone', content: '' },
    { name: 'dir/.wh.hard', content: '' },
    { name: 'opaque/', type: 'directory', mode: 0o711 },
    { name: 'opaque/.wh..wh..opq', content: '' },
    { name: 'opaque/new', content: 'n' },
    { name: 'file-to-dir/', type: 'directory' },
    { name: 'file-to-dir/inside', content: 'i' },
    { name: 'dir-to-file', content: 'f' },
    { name: 'copy', content: 'shared', xattrs: capable },
    { name: 'sub/copy', type: 'link', linkName: 'copy', xattrs: capable },
    { name: 'null', type: 'fifo', mode: 0o600 },
  ]);
}

function secondChangesLayer(): Buffer {
  return archive([
    { name: 'gone/back', content: 'again' },
    { name: 'file-to-dir', content: 'a file again' },
    { name: 'dir-to-file/', type: 'directory', mode: 0o750 },
    { name: 'opaque/.wh.new', content: '' },
    { name: 'dir/added', content: 'replaced', mode: 0o755, modificationTime: seconds(88) },
    { name: '.wh.link-to-dir', content: '' },
  ]);
}

function archive(entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap(({ content = '', pax, ...entry }) => {
    const bytes = Buffer.from(content);
    const header = headerOf(
      {
        type: 'file',
        linkName: '',
        mode: 0o644,
        uid: 0,
        gid: 0,
        modificationTime: { seconds: 1_600_000_000, nanoseconds: 123_456_789 },
        device: { major: 0, minor: 0 },
        xattrs: new Map(),
        ...entry,
        sizeBytes: bytes.length,
      },
      pax,
    );
    return [header, bytes, paddingAfter(bytes.length)];
  });
  return Buffer.concat([...parts, endOfArchive]);
}

function seconds(count: number) {
  return { seconds: count, nanoseconds: 0 };
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
