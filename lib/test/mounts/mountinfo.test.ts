import { expect } from 'chai';
import { mountAt, mountOf, parseMountinfo, readMounts } from '../../src/mounts/mountinfo.ts';

const text = `22 1 0:21 / / rw,relatime - ext4 /dev/vda rw
30 22 0:25 / /mnt/a\\040b rw,nosuid shared:7 master:3 - tmpfs with\\011tab rw,size=4k
31 22 0:26 /sub /mnt rw - tmpfs - rw
32 30 0:27 / /mnt/a\\040b ro - btrfs /dev/vdb rw,subvol=/x
`;

describe('parseMountinfo', () => {
  const mounts = parseMountinfo(text);

  it('reads fields around any number of optional ones, unescaped', () => {
    expect(mounts[1]).to.deep.equal({
      id: 30,
      root: '/',
      mountPoint: '/mnt/a b',
      options: ['rw', 'nosuid'],
      propagation: ['shared:7', 'master:3'],
      type: 'tmpfs',
      source: 'with\ttab',
      superOptions: ['rw', 'size=4k'],
    });
    // A source that is a dash itself.
    expect(mounts[2]).to.include({ root: '/sub', type: 'tmpfs', source: '-' });
  });

  it('finds the uppermost mount at a place, and the one that a file lies on', () => {
    expect(mountAt(mounts, '/mnt/a b')?.id).to.equal(32);
    expect(mountAt(mounts, '/mnt/a')).to.equal(undefined);
    expect(mountOf(mounts, '/mnt/a b/c')?.id).to.equal(32);
    expect(mountOf(mounts, '/mnt/a bc')?.id).to.equal(31);
    expect(mountOf(mounts, '/elsewhere')?.id).to.equal(22);
  });

  it('reads what the kernel says now', () => {
    expect(mountAt(readMounts(), '/proc')?.type).to.equal('proc');
  });
});
