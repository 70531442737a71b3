import { expect } from 'chai';
import { parseTime } from '../../src/format/timestamp.ts';

describe('parseTime', () => {
  it('reads seconds, dates and durations', () => {
    expect(parseTime('1700000000.5', '--since')).to.equal('1700000000.5');
    expect(parseTime('2013-01-02T13:23:37Z', '--since')).to.equal('1357133017.000000000');
    expect(parseTime('1h30m', '--since', 10_000_000_000)).to.equal('9994600.000000000');
  });

  it('names what is neither', () => {
    expect(() => parseTime('yesterday', '--until')).to.throw('"yesterday"');
  });
});
