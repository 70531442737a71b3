import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { parsePointInTime } from '../../src/http/point-in-time.ts';

describe('parsePointInTime', () => {
  const at = (text: string): number => parsePointInTime(text, 10_000_000);

  it('takes seconds, dates and durations', () => {
    expect(at('1.5')).to.equal(1500);
    expect(at('1970-01-01T00:00:02Z')).to.equal(2000);
    expect(at('1970-01-01T01:00:02+01:00')).to.equal(2000);
    expect(at('2020-05-06')).to.equal(new Date(2020, 4, 6).getTime());
    expect(at('2020-05-06T07:08')).to.equal(new Date(2020, 4, 6, 7, 8).getTime());
    expect(at('1m30s')).to.equal(10_000_000 - 90_000);
    expect(at('1.5h')).to.equal(10_000_000 - 5_400_000);
    expect(at('-1s')).to.equal(10_001_000);
  });

  it('names what is no time', () => {
    for (const text of ['', 'soon', '1d', '2020-13-01', '12:00']) {
      expect(() => at(text), text).to.throw(
        StackError,
        `failed to parse value as time or duration: "${text}"`,
      );
    }
  });
});
