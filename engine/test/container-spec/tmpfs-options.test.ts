import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { mergedTmpfsOptions } from '../../src/container-spec/tmpfs-options.ts';

describe('mergedTmpfsOptions', () => {
  it('lets the last of contradicting options hold', () => {
    expect(
      mergedTmpfsOptions(['noexec', 'nosuid', 'exec', 'size=1m', 'rw', 'size=2m', 'ro']),
    ).to.deep.equal(['nosuid', 'exec', 'size=2m', 'ro']);
  });

  it('names what a tmpfs does not have', () => {
    for (const option of ['nope', 'size', 'size=', 'data=1', '']) {
      expect(() => mergedTmpfsOptions([option]), option).to.throw(
        StackError,
        `invalid tmpfs option ["${option}"]`,
      );
    }
  });
});
