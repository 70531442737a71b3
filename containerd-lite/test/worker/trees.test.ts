import { expect } from 'chai';
import { layersOf, readOnlyMounts } from '../../src/worker/trees.ts';

const bind = { type: 'bind', source: '/a', options: ['rw', 'rbind'] };
const overlay = {
  type: 'overlay',
  source: 'overlay',
  options: ['workdir=/w', 'upperdir=/u', 'lowerdir=/b:/a', 'index=off'],
};
const btrfs = { type: 'btrfs', source: '/dev/x', options: ['subvolid=7'] };

describe('layersOf', () => {
  it('names the directories that mounts lay over each other, the uppermost first', () => {
    expect(layersOf([])).to.deep.equal([]);
    expect(layersOf([bind])).to.deep.equal(['/a']);
    expect(layersOf([overlay])).to.deep.equal(['/u', '/b', '/a']);
    expect(layersOf([{ ...overlay, options: ['lowerdir=/b:/a'] }])).to.deep.equal(['/b', '/a']);
  });

  it('knows nothing of other file systems, of several mounts and of escaped names', () => {
    expect(layersOf([btrfs])).to.equal(undefined);
    expect(layersOf([bind, bind])).to.equal(undefined);
    expect(layersOf([{ ...overlay, options: ['lowerdir=/a\\:b'] }])).to.equal(undefined);
  });
});

describe('readOnlyMounts', () => {
  it('leaves the upper and the work directory of an overlay alone', () => {
    expect(readOnlyMounts([overlay])).to.deep.equal([
      { ...overlay, options: ['lowerdir=/u:/b:/a', 'index=off'] },
    ]);
  });

  it('mounts everything else read-only', () => {
    expect(readOnlyMounts([bind])).to.deep.equal([{ ...bind, options: ['rbind', 'ro'] }]);
    expect(readOnlyMounts([btrfs])).to.deep.equal([{ ...btrfs, options: ['subvolid=7', 'ro'] }]);
  });
});
