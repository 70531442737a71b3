import { expect } from 'chai';
import { parseMountOptions } from '../../src/compile/mount-options.ts';

const RDONLY = 0x1;
const NOSUID = 0x2;
const ATIME = 0x70;

describe('parseMountOptions', () => {
  it('changes only the bits that are named', () => {
    const { attributes } = parseMountOptions(['rbind', 'ro', 'nosuid']);
    expect(attributes).to.deep.equal({ set: RDONLY | NOSUID, clear: 0 });
  });

  it('lets the later option win', () => {
    expect(parseMountOptions(['ro', 'rw']).attributes).to.deep.equal({ set: 0, clear: RDONLY });
    expect(parseMountOptions(['rw', 'ro']).attributes).to.deep.equal({ set: RDONLY, clear: 0 });
  });

  it('clears the whole atime field before it sets a value of it', () => {
    expect(parseMountOptions(['noatime']).attributes).to.deep.equal({
      set: 0x10,
      clear: 0x60 | 0x10,
    });
    expect(parseMountOptions(['relatime']).attributes.clear).to.equal(ATIME);
  });

  it('keeps recursive attributes apart', () => {
    const options = parseMountOptions(['rbind', 'rro', 'nosuid']);
    expect(options.recursiveAttributes.set).to.equal(RDONLY);
    expect(options.attributes.set).to.equal(NOSUID);
  });

  it('hands what it does not know to the file system', () => {
    expect(parseMountOptions(['mode=755', 'newinstance', 'constructor']).data).to.deep.equal([
      'mode=755',
      'newinstance',
      'constructor',
    ]);
  });

  it('tells propagation of one mount from that of a tree', () => {
    expect(
      parseMountOptions(['private', 'rshared']).propagation.map(({ recursive }) => recursive),
    ).to.deep.equal([false, true]);
  });
});
