import { expect } from 'chai';
import fc from 'fast-check';
import {
  completeLength,
  formatEntries,
  longestEntry,
  splitLines,
} from '../../src/logs/json-entries.ts';

const texts = (entries: string): string[] =>
  entries
    .trimEnd()
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { log: string }).log);

describe('formatEntries', () => {
  it('gives back the text, whatever it is, in entries of at most 16 KiB', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom(
        '\n',
        'é€𐀀',
        '\n\n',
        '\r\n',
        '\0\x1b[1m',
        '<&>"\\',
        '\u2028',
        'x'.repeat(16384),
      ),
      fc.integer({ min: 16380, max: 40000 }).map((length) => 'y'.repeat(length)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const bytes = Buffer.from(pieces.join(''));
        const parts = texts(formatEntries(bytes, 'stdout', 'T'));
        expect(parts.join('')).to.equal(bytes.toString());
        for (const part of parts) expect(Buffer.byteLength(part)).to.be.at.most(longestEntry);
        for (const part of parts.slice(0, -1).filter((text) => !text.endsWith('\n'))) {
          expect(Buffer.byteLength(part)).to.be.above(longestEntry - 4);
        }
        expect(parts).to.have.lengthOf(splitLines(bytes).length);
      }),
      { numRuns: 150 },
    );
  });

  it('writes one entry for each line that splitLines finds', () => {
    const bytes = Buffer.from('a\n\nb');
    expect(splitLines(bytes).map(String)).to.deep.equal(['a\n', '\n', 'b']);
    expect(texts(formatEntries(bytes, 'stderr', 'T'))).to.deep.equal(['a\n', '\n', 'b']);
  });
});

describe('completeLength', () => {
  it('ends after the last newline, and after each 16 KiB of a line without end', () => {
    expect(completeLength(Buffer.from('ab\ncd'))).to.equal(3);
    expect(completeLength(Buffer.from('abcd'))).to.equal(0);
    expect(completeLength(Buffer.from(`ab\n${'c'.repeat(16385)}`))).to.equal(3 + 16384);
  });
});
