import { expect } from 'chai';
import fc from 'fast-check';
import { TarReader } from '#lib/unpack/tar-reader';
import { StackError } from '#spec/errors';
import { archive } from './archive.ts';

/** Reads an archive in two pieces. Returns how many entries it had, or the failure. */
function read(bytes: Buffer, cut: number): number | StackError {
  let entries = 0;
  const sink = { entry: () => entries++, content: () => undefined, end: () => undefined };
  const reader = new TarReader(sink);
  try {
    reader.write(bytes.subarray(0, cut));
    reader.write(bytes.subarray(cut));
    reader.end();
    return entries;
  } catch (error) {
    if (error instanceof StackError) return error;
    throw error;
  }
}

describe('TarReader with generated input', () => {
  const whole = archive(
    { name: 'folder/', flag: '5' },
    { name: 'file', content: 'x'.repeat(700), pax: { mtime: '1.5', 'SCHILY.xattr.user.a': 'b' } },
    { name: 'link', flag: '2', linkName: 'file' },
    { name: './@LongLink', flag: 'L', content: 'n'.repeat(200) },
    { name: 'short', content: 'y' },
  );

  it('refuses noise by an expected error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(3000), (bytes, cut) => {
        const result = read(Buffer.from(bytes), cut);
        if (result instanceof StackError) expect(result.kind).to.equal('invalid_argument');
      }),
    );
  });

  it('reads an archive with some other bytes, or refuses it by an expected error', () => {
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), fc.nat(whole.length), (changes, cut) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        const result = read(bytes, cut);
        if (result instanceof StackError) expect(result.kind).to.equal('invalid_argument');
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses an archive that ends anywhere but between entries', () => {
    fc.assert(
      // The first of the two blocks at the end is enough.
      fc.property(fc.nat(whole.length - 1024), (length) => {
        const result = read(whole.subarray(0, length), 0);
        if (length % 512 !== 0) expect(result).to.be.instanceOf(StackError);
      }),
    );
  });
});
