import { expect } from 'chai';
import { digestOf } from '#spec/digest';
import { Images } from '../../src/images/images.ts';
import { useStores } from '../stores.ts';

const target = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: digestOf('a'),
  size: 1,
  annotations: {},
};
const image = { name: 'web:1', labels: { a: '1' }, target };

describe('Images', () => {
  const stores = useStores();
  const images = () => new Images(stores().metadata);

  it('creates a name once', () => {
    images().create('ns', image);
    expect(() => images().create('ns', image)).to.throw('already exists');
    expect(images().get('ns', 'web:1')).to.deep.include(image);
    expect(() => images().get('other', 'web:1')).to.throw('not found');
  });

  it('survives closing and opening the database', async () => {
    images().create('ns', image);
    const { MetadataStore } = await import('../../src/metadata/metadata-store.ts');
    await stores().metadata.close();
    const reopened = new MetadataStore(`${stores().folder}/metadata`);
    expect(new Images(reopened).list('ns')).to.have.length(1);
    await reopened.close();
  });

  it('updates what the mask names', () => {
    images().create('ns', image);
    const other = { ...target, digest: digestOf('b') };
    const update = { name: 'web:1', labels: { a: '2', b: '3' }, target: other };
    const once = images().update('ns', update, ['labels.b']);
    expect(once.labels).to.deep.equal({ a: '1', b: '3' });
    expect(once.target?.digest).to.equal(target.digest);
    expect(images().update('ns', update, ['target']).target?.digest).to.equal(other.digest);
    expect(() => images().update('ns', update, ['name'])).to.throw('cannot update field "name"');
  });

  it('deletes only what still points where the caller thinks', () => {
    images().create('ns', image);
    expect(() => images().delete('ns', 'web:1', digestOf('b'))).to.throw('not found');
    images().delete('ns', 'web:1', target.digest);
    expect(images().list('ns')).to.deep.equal([]);
  });

  for (const [what, broken] of [
    ['without a name', { ...image, name: '' }],
    ['without a target', { name: 'x', labels: {} }],
    ['with a broken digest', { ...image, target: { ...target, digest: 'sha256:1' } }],
    ['with a huge label', { ...image, labels: { a: 'x'.repeat(5000) } }],
  ] as const) {
    it(`refuses an image ${what}`, () => {
      expect(() => images().create('ns', broken))
        .to.throw()
        .with.property('kind', 'invalid_argument');
      expect(images().list('ns')).to.deep.equal([]);
    });
  }
});
