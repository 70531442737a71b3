import { expect } from 'chai';
import {
  DetachKeyFilter,
  defaultDetachKeys,
  parseDetachKeys,
} from '../../src/terminal/detach-keys.ts';

describe('DetachKeyFilter', () => {
  const filter = () => new DetachKeyFilter(parseDetachKeys(defaultDetachKeys));

  it('detaches on the whole sequence, even in two chunks', () => {
    const keys = filter();
    expect(keys.push(Buffer.from('a\x10'))).to.deep.equal({
      forward: Buffer.from('a'),
      detach: false,
    });
    expect(keys.push(Buffer.from('\x11b'))).to.deep.equal({
      forward: Buffer.from(''),
      detach: true,
    });
  });

  it('sends on what only began like it', () => {
    const keys = filter();
    expect(keys.push(Buffer.from('\x10x')).forward.toString()).to.equal('\x10x');
    expect(keys.push(Buffer.from('\x10\x10\x11')).detach).to.equal(true);
  });

  it('refuses unknown keys by name', () => {
    expect(() => parseDetachKeys('ctrl-p,F1')).to.throw("'F1'");
  });
});
