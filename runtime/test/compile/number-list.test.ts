import { expect } from 'chai';
import { bitMask } from '../../src/compile/number-list.ts';

describe('bitMask', () => {
  it('has a bit for every number and is a whole number of longs', () => {
    expect(bitMask('0-2,7', 'x').toString('hex')).to.equal('8700000000000000');
    expect(bitMask('64', 'x').toString('hex')).to.equal('00000000000000000100000000000000');
  });

  for (const list of ['', 'a', '3-1', '-1', '1,', '99999', '0-9999999999']) {
    it(`refuses "${list}" by the name of its property`, () => {
      expect(() => bitMask(list, 'process.execCPUAffinity.final')).to.throw(
        'process.execCPUAffinity.final',
      );
    });
  }
});
