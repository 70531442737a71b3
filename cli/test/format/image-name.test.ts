import { expect } from 'chai';
import { familiarName, repositoryName, withoutDigest } from '../../src/format/image-name.ts';

describe('names of images', () => {
  it('are shown without what Docker Hub implies', () => {
    expect(familiarName('docker.io/library/busybox:1')).to.equal('busybox:1');
    expect(familiarName('docker.io/team/app')).to.equal('team/app');
    expect(familiarName('registry:5000/library/app')).to.equal('registry:5000/library/app');
  });

  it('have a repository, with the port of its registry', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(repositoryName('registry:5000/app')).to.equal('registry:5000/app');
    expect(repositoryName('registry:5000/app:1')).to.equal('registry:5000/app');
    expect(repositoryName(`busybox@${digest}`)).to.equal('busybox');
    expect(withoutDigest(`busybox:1@${digest}`)).to.equal('busybox:1');
  });
});
