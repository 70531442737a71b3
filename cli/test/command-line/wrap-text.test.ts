import { expect } from 'chai';
import { wrapText } from '../../src/command-line/wrap-text.ts';

describe('wrapText', () => {
  it('breaks lines at blanks and indents what follows', () => {
    expect(wrapText('one two three four five six seven', 4, 30)).to.equal(
      'one two three four\n    five six seven',
    );
  });

  it('lets the last line be a little longer rather than leave a word alone', () => {
    expect(wrapText('a'.repeat(20) + ' bcde', 4, 30)).to.equal('a'.repeat(20) + ' bcde');
  });

  it('keeps lines that were given', () => {
    expect(wrapText('first\nsecond', 2, 40)).to.equal('first\n  second');
  });

  it('begins below where the column would be too narrow', () => {
    expect(wrapText('words', 60, 79)).to.equal(`\n${' '.repeat(16)}words`);
  });
});
