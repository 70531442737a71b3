import { expect } from 'chai';
import { textRecord } from '#lib/log/text-record';

describe('textRecord', () => {
  it('writes key=value, quotes what has to be quoted, and stays on one line', () => {
    const keep = (_key: string, value: unknown): unknown => value;
    expect(
      textRecord(
        { level: 'info', msg: 'two words', path: '/a/b.c', n: 3, list: ['a'], x: undefined, y: '' },
        keep,
      ),
    ).to.equal(`level=info msg="two words" path=/a/b.c n=3 list="[\\"a\\"]" y=""`);
    expect(textRecord({ msg: 'a\nlevel=error' }, keep)).to.equal('msg="a\\nlevel=error"');
  });
});
