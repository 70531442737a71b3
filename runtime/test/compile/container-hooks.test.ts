import { expect } from 'chai';
import { parseHookFailure } from '../../src/compile/container-hooks.ts';

describe('parseHookFailure', () => {
  const cases: readonly [number, number, string][] = [
    [3 << 8, 0, 'exit status 3'],
    [2 ** 32 + 9, 1, 'signal: 9'],
    [2 * 2 ** 32 + 0x8000_0000, 2, 'timed out'],
  ];
  for (const [result, index, reason] of cases) {
    it(`reads ${result} as ${reason} of hook ${index}`, () => {
      expect(parseHookFailure(result)).to.deep.equal({ index, reason });
    });
  }

  it('leaves errnos alone', () => {
    expect(parseHookFailure(-2)).to.equal(undefined);
  });
});
