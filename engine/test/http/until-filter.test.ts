import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { untilFilter } from '../../src/http/until-filter.ts';

describe('untilFilter', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  const until = (...texts: string[]) => untilFilter(new Map([['until', texts]]), now);

  it('reads times, dates and spans before now', () => {
    expect(until('1767225600')).to.equal(1767225600000);
    expect(until('2026-01-01T12:00:00Z')).to.equal(now - 12 * 3_600_000);
    expect(until('1h30m')).to.equal(now - 5_400_000);
    expect(until('1.5s')).to.equal(now - 1500);
    expect(untilFilter(new Map(), now)).to.equal(undefined);
  });

  it('refuses what is none of them', () => {
    for (const text of ['', 'yesterday', '1d', '10x']) {
      expect(() => until(text), text).to.throw(StackError, text);
    }
    expect(() => until('1h', '2h')).to.throw(StackError, 'more than one');
  });
});
