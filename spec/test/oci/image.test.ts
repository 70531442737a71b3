import { expect } from 'chai';
import {
  isIndexType,
  layerCompression,
  mediaTypes,
  parseImageConfig,
  parseIndex,
  parseManifest,
} from '#spec/oci/image';

const digest = `sha256:${'a'.repeat(64)}`;
const descriptor = (mediaType: string) => ({ mediaType, digest, size: 5 });

describe('image documents', () => {
  it('are read in both formats', () => {
    const manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.dockerManifest,
      config: descriptor(mediaTypes.dockerConfig),
      layers: [descriptor(mediaTypes.dockerLayerGzip)],
    };
    expect(parseManifest(manifest)).to.deep.equal(manifest);
    const { mediaType, ...untyped } = manifest;
    expect(mediaType).to.be.a('string');
    expect(parseManifest(untyped)).to.deep.equal(untyped);
    const platform = { architecture: 'arm64', os: 'linux', variant: 'v8' };
    const index = {
      schemaVersion: 2,
      manifests: [{ ...descriptor(mediaTypes.ociManifest), platform }],
    };
    expect(parseIndex(index)).to.deep.equal(index);
  });

  it('are refused under the name of another kind', () => {
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] };
    expect(() => parseManifest(index)).to.throw(
      'manifest.mediaType: "application/vnd.oci.image.index',
    );
    expect(() => parseIndex({ ...index, schemaVersion: 1 })).to.throw('only version 2');
  });

  it('are refused where they could be taken for another kind', () => {
    const both = {
      schemaVersion: 2,
      config: descriptor(mediaTypes.ociConfig),
      layers: [],
      manifests: [],
    };
    expect(() => parseManifest(both)).to.throw('manifests: is no part of a manifest');
    expect(() => parseIndex(both)).to.throw('config: is no part of an index');
  });

  it('name a digest that is none', () => {
    const bad = { schemaVersion: 2, manifests: [{ ...descriptor('x'), digest: 'sha256:12' }] };
    expect(() => parseIndex(bad)).to.throw(
      'index.manifests[0].digest: "sha256:12" is not a digest',
    );
  });

  it('say what a container does', () => {
    const config = parseImageConfig({
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['sh'], Env: null, Volumes: { '/data': {} }, Unknown: 1 },
      rootfs: { type: 'layers', diff_ids: [digest] },
    });
    expect(config.config).to.deep.equal({ Cmd: ['sh'], Volumes: { '/data': {} } });
  });

  it('know their media types', () => {
    expect(isIndexType(mediaTypes.dockerManifestList)).to.be.true;
    expect(layerCompression(mediaTypes.ociLayerZstd)).to.equal('zstd');
    expect(layerCompression(mediaTypes.dockerLayerGzip)).to.equal('gzip');
    expect(layerCompression(mediaTypes.ociConfig)).to.equal(undefined);
  });
});
