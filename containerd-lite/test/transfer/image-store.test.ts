import { expect } from 'chai';
import { imageNameAnnotation, refNameAnnotation } from '#lib/image-archive/annotations';
import { ImageStore } from '#proto/generated/containerd.types.transfer';
import { annotatedNamesOf, namesOf } from '../../src/transfer/image-store.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const image = (annotations: Record<string, string> = {}) => ({
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest,
  size: 1,
  annotations,
});
const store = (...extraReferences: object[]) =>
  ImageStore.decode(ImageStore.encode({ name: 'own:1', extraReferences }));

describe('names of a transferred image', () => {
  it('are its own, and extra ones that are complete', () => {
    const wanted = store(
      { name: 'other:2' },
      { name: 'example.org/prefix', isPrefix: true },
      { name: 'example.org/digest', isPrefix: true, addDigest: true },
    );
    expect(namesOf(wanted, image())).to.deep.equal([
      'own:1',
      'other:2',
      `example.org/digest@${digest}`,
    ]);
  });

  it('come from annotations where a prefix allows them', () => {
    const prefix = { name: 'example.org/app', isPrefix: true };
    const anyName = { ...prefix, allowOverwrite: true };
    const tag = image({ [refNameAnnotation]: '1.0' });
    const inside = image({ [imageNameAnnotation]: 'example.org/app/x:1' });
    const outside = image({ [imageNameAnnotation]: 'example.org/apple:1' });
    expect(annotatedNamesOf(store(prefix), tag)).to.deep.equal(['example.org/app:1.0']);
    expect(annotatedNamesOf(store(prefix), inside)).to.deep.equal(['example.org/app/x:1']);
    expect(annotatedNamesOf(store(prefix), outside)).to.deep.equal([]);
    expect(annotatedNamesOf(store(anyName), outside)).to.deep.equal(['example.org/apple:1']);
  });

  it('are digests for what has no name, or beside it', () => {
    const byDigest = { name: 'd', isPrefix: true, addDigest: true };
    const named = image({ [refNameAnnotation]: '1' });
    expect(annotatedNamesOf(store(byDigest), image())).to.deep.equal([`d@${digest}`]);
    expect(annotatedNamesOf(store(byDigest), named)).to.deep.equal(['d:1', `d@${digest}`]);
    const sparing = { ...byDigest, skipNamedDigest: true };
    expect(annotatedNamesOf(store(sparing), named)).to.deep.equal(['d:1']);
  });
});
