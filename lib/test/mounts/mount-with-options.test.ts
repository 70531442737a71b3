import { expect } from 'chai';
import { mountFlags } from '#lib/sys/flags';
import { parseMountOptions } from '#lib/mounts/mount-with-options';

describe('parseMountOptions', () => {
  it('tells flags from options of the file system', () => {
    expect(parseMountOptions(['ro', 'nosuid', 'lowerdir=/a:/b', 'index=off'])).to.deep.equal({
      flags: mountFlags.MS_RDONLY | mountFlags.MS_NOSUID,
      data: 'lowerdir=/a:/b,index=off',
    });
  });

  it('lets a later option take an earlier one away', () => {
    expect(parseMountOptions(['ro', 'rbind', 'rw'])).to.deep.equal({
      flags: mountFlags.MS_BIND | mountFlags.MS_REC,
      data: '',
    });
  });
});
