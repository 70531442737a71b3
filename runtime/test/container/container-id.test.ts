import { expect } from 'chai';
import { checkContainerId } from '../../src/container/container-id.ts';

describe('checkContainerId', () => {
  for (const id of ['a', 'web-1', 'x_y+z.9', '0'.repeat(64), '..a']) {
    it(`accepts ${id}`, () => {
      expect(checkContainerId(id)).to.equal(id);
    });
  }

  for (const id of ['', '.', '..', 'a/b', 'a b', '../x', 'ä', 'a\n', undefined]) {
    it(`refuses ${JSON.stringify(id)}`, () => {
      expect(() => checkContainerId(id)).to.throw(/container id/);
    });
  }
});
