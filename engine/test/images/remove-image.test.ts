import { expect } from 'chai';
import { digestOf } from '#spec/digest';
import { mediaTypes } from '#spec/oci/image';
import { describeImage } from '../../src/images/documents.ts';
import type { CatalogEntry, Found } from '../../src/images/image-catalog.ts';
import type { ImageUser } from '../../src/images/image-service.ts';
import { recordsToRemove } from '../../src/images/remove-image.ts';

const config = JSON.stringify({
  architecture: 'amd64',
  os: 'linux',
  rootfs: { type: 'layers', diff_ids: [] },
});
const manifest = {
  schemaVersion: 2 as const,
  config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length },
  layers: [],
};
const target = { mediaType: mediaTypes.ociManifest, digest: digestOf('manifest'), size: 1 };
const running: ImageUser = { containerId: 'abcdef0123456789', running: true };
const stopped: ImageUser = { ...running, running: false };

function found(by: Found['by'], ...names: [string, ...string[]]): Found {
  const records = names.map((name) => ({ name, target, createdAt: new Date(0) }));
  const documents = describeImage(digestOf('manifest'), manifest, Buffer.from(config));
  const entry: CatalogEntry = { id: documents.id, documents, records };
  return { entry, record: records[0]!, by };
}

const names = (what: Found, users: ImageUser[] = [], force = false) =>
  recordsToRemove(what, users, force, 'a:1').map(({ name }) => name);

describe('recordsToRemove', () => {
  const one = 'docker.io/library/a:1';
  const two = 'docker.io/library/a:2';
  const byDigest = `docker.io/library/a@${target.digest}`;

  it('takes one of several names, whoever uses the image', () => {
    expect(names(found('name', one, two), [running])).to.deep.equal([one]);
    expect(names(found('name', byDigest, one))).to.deep.equal([byDigest]);
  });

  it('takes the digests of a repository with its last tag', () => {
    expect(names(found('name', one, byDigest))).to.deep.equal([one, byDigest]);
    expect(names(found('name', one, byDigest, 'r:1/b:1'))).to.deep.equal([one]);
  });

  it('refuses the last name of an image in use, unless forced', () => {
    expect(() => names(found('name', one), [stopped])).to.throw(
      /^conflict: unable to remove repository reference "a:1" \(must force\) - container abcdef012345 is using/,
    );
    expect(names(found('name', one), [running], true)).to.deep.equal([one]);
  });

  it('refuses the id of an image in use', () => {
    expect(() => names(found('id', one), [running], true)).to.throw(
      'cannot be forced) - image is being used by running container abcdef012345',
    );
    expect(() => names(found('id', one), [stopped])).to.throw(
      'must be forced) - image is being used by stopped container abcdef012345',
    );
    expect(names(found('id', one), [stopped], true)).to.deep.equal([one]);
  });

  it('refuses an id that several repositories share, unless forced', () => {
    const shared = found('id', one, 'docker.io/library/b:1');
    expect(() => names(shared)).to.throw('image is referenced in multiple repositories');
    expect(names(shared, [], true)).to.have.length(2);
    expect(names(found('id', one, two))).to.deep.equal([one, two]);
  });
});

describe('describeImage', () => {
  const digest = digestOf('manifest');

  it('refuses what is no container image', () => {
    const chart = {
      ...manifest,
      config: { ...manifest.config, mediaType: 'application/vnd.cncf.helm.config.v1+json' },
    };
    expect(() => describeImage(digest, chart, Buffer.from(config))).to.throw(
      'unsupported media type application/vnd.cncf.helm.config.v1+json',
    );
  });

  it('refuses documents that contradict each other', () => {
    const layer = { mediaType: mediaTypes.ociLayer, digest: digestOf('layer'), size: 1 };
    expect(() =>
      describeImage(digest, { ...manifest, layers: [layer] }, Buffer.from(config)),
    ).to.throw('names 0 layers, its manifest 1');
    expect(() => describeImage(digest, manifest, Buffer.from('{'))).to.throw('is not JSON');
  });
});
