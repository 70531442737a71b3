import { expect } from 'chai';
import { ownerInside, ownerOnHost, reversed, rootOnHost } from '../../src/userns/id-map.ts';

const uidMappings = [
  { containerID: 0, hostID: 100_000, size: 10 },
  { containerID: 10, hostID: 500, size: 5 },
];
const maps = { uidMappings, gidMappings: [{ containerID: 0, hostID: 200_000, size: 100 }] };

describe('ids of a user namespace', () => {
  it('are translated by the range that holds them', () => {
    expect(rootOnHost(maps)).to.deep.equal({ uid: 100_000, gid: 200_000 });
    expect(ownerOnHost(maps, { uid: 9, gid: 99 })).to.deep.equal({ uid: 100_009, gid: 200_099 });
    expect(ownerOnHost(maps, { uid: 12, gid: 0 })).to.deep.equal({ uid: 502, gid: 200_000 });
    expect(ownerInside(maps, { uid: 504, gid: 200_001 })).to.deep.equal({ uid: 14, gid: 1 });
  });

  it('that no range holds are nobody inside, and have no owner on the host', () => {
    expect(ownerInside(maps, { uid: 505, gid: 0 })).to.deep.equal({ uid: 65534, gid: 65534 });
    expect(ownerOnHost(maps, { uid: 15, gid: 0 })).to.equal(undefined);
    expect(ownerOnHost(maps, { uid: 0, gid: 100 })).to.equal(undefined);
  });

  it('lead back the other way round', () => {
    expect(ownerOnHost(reversed(maps), { uid: 501, gid: 200_003 })).to.deep.equal({
      uid: 11,
      gid: 3,
    });
  });
});
