import { expect } from 'chai';
import { naturalOrder } from '../../src/format/natural-order.ts';

describe('naturalOrder', () => {
  it('counts numbers as numbers', () => {
    const names = ['b', 'a10', 'a9', 'a', 'a9b', '10', '9', 'a09'];
    expect(names.sort(naturalOrder)).to.deep.equal([
      '9',
      '10',
      'a',
      'a09',
      'a9',
      'a9b',
      'a10',
      'b',
    ]);
  });
});
