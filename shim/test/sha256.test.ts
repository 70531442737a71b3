import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { sha256 } from '../src/sha256.ts';

describe('sha256', () => {
  it('agrees with node:crypto', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300, unit: 'binary' }), (text) => {
        expect(sha256(text)).to.equal(createHash('sha256').update(text).digest('hex'));
      }),
    );
  });

  it('agrees at every length around a block', () => {
    for (let length = 0; length < 140; length += 1) {
      const text = 'x'.repeat(length);
      expect(sha256(text)).to.equal(createHash('sha256').update(text).digest('hex'));
    }
  });
});
