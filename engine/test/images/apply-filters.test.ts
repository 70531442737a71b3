import { expect } from 'chai';
import { digestOf } from '#spec/digest';
import { mediaTypes } from '#spec/oci/image';
import { applyFilters } from '../../src/images/apply-filters.ts';
import { imageFiltersOf, type ImageFilters } from '../../src/images/filters.ts';
import type { StoredImage } from '../../src/images/image-service.ts';

function image(name: string, seconds: number, labels: Record<string, string> = {}): StoredImage {
  const repository = name.replace(/:[^:/]+$/, '');
  return {
    name,
    id: digestOf(name),
    target: { mediaType: mediaTypes.ociManifest, digest: digestOf(name), size: 1 },
    config: {
      architecture: 'amd64',
      os: 'linux',
      config: { Labels: labels },
      rootfs: { type: 'layers', diff_ids: [] },
    },
    chainId: '',
    repoTags: name === '' ? [] : [name],
    repoDigests: name === '' ? [] : [`${repository}@${digestOf(name)}`],
    sizeBytes: 1,
    createdAt: new Date(seconds * 1000),
  };
}

describe('applyFilters', () => {
  const images = [
    image('busybox:1', 100, { a: '1', b: '' }),
    image('r:5000/team/app:2', 200, { a: '2' }),
    image('', 300),
  ];
  const find = async (name: string) => {
    const found = images.find(({ repoTags }) => repoTags.includes(name));
    if (!found) throw new Error(`no ${name}`);
    return found;
  };
  const pass = async (filters: ImageFilters) =>
    (await applyFilters(images, filters, find)).map(({ name }) => name);

  it('lets everything through without filters', async () => {
    expect(await pass({})).to.have.length(3);
  });

  it('matches references with and without tag, stars up to a slash', async () => {
    expect(await pass({ reference: ['busybox'] })).to.deep.equal(['busybox:1']);
    expect(await pass({ reference: ['busy*:1'] })).to.deep.equal(['busybox:1']);
    expect(await pass({ reference: ['*'] })).to.deep.equal(['busybox:1']);
    expect(await pass({ reference: ['r:5000/*/*', 'nothing'] })).to.deep.equal([
      'r:5000/team/app:2',
    ]);
  });

  it('matches labels, dangling images and times', async () => {
    expect(await pass({ label: ['a'] })).to.have.length(2);
    expect(await pass({ label: ['a=2'] })).to.deep.equal(['r:5000/team/app:2']);
    expect(await pass({ label: ['a', 'b='] })).to.deep.equal(['busybox:1']);
    expect(await pass({ 'label!': ['a=1'] })).to.have.length(2);
    expect(await pass({ dangling: ['true'] })).to.deep.equal(['']);
    expect(await pass({ dangling: ['0'] })).to.have.length(2);
    expect(await pass({ before: ['r:5000/team/app:2'] })).to.deep.equal(['busybox:1']);
    expect(await pass({ since: ['r:5000/team/app:2'] })).to.deep.equal(['']);
    expect(await pass({ until: ['150'] })).to.deep.equal(['busybox:1']);
  });

  it('refuses what it does not know', async () => {
    expect(() => imageFiltersOf({ colour: ['red'] })).to.throw("invalid filter 'colour'");
    await pass({ dangling: ['perhaps'] }).then(
      () => expect.fail('it was accepted'),
      (error: unknown) => expect(String(error)).to.include("invalid filter 'dangling=[perhaps]'"),
    );
  });
});
