import { expect } from 'chai';
import { digestOf } from '#spec/digest';
import {
  danglingName,
  isDangling,
  referenceOfName,
  repoDigestsOf,
  repoTagsOf,
  storeName,
} from '../../src/images/image-names.ts';
import { parseReference } from '#spec/reference';

const digest = digestOf('');

describe('names of images', () => {
  it('are full references in the store', () => {
    expect(storeName(parseReference('busybox'))).to.equal('docker.io/library/busybox:latest');
    expect(storeName(parseReference(`r:5000/a@${digest}`))).to.equal(`r:5000/a@${digest}`);
  });

  it('are familiar to users, who do not see dangling ones and foreign ones', () => {
    const names = [
      'docker.io/library/busybox:latest',
      'r:5000/a:1',
      `r:5000/a@${digest}`,
      danglingName(digest),
      'Not A Reference',
    ];
    expect(repoTagsOf(names)).to.deep.equal(['busybox:latest', 'r:5000/a:1']);
    expect(repoDigestsOf(names, digest)).to.deep.equal([`busybox@${digest}`, `r:5000/a@${digest}`]);
  });

  it('tell dangling images', () => {
    expect(isDangling(danglingName(digest))).to.equal(true);
    expect(referenceOfName(danglingName(digest))).to.equal(undefined);
  });
});
