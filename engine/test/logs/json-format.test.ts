import { expect } from 'chai';
import fc from 'fast-check';
import { jsonFormat } from '../../src/logs/json-format.ts';
import { completeLength, longestEntry, splitLines } from '../../src/logs/output-lines.ts';

const time = { seconds: 1_700_000_000, nanos: 123_456_789 };

const encode = (bytes: Buffer, attributes = {}): Buffer =>
  Buffer.from(jsonFormat.createEncoder(attributes).encode(bytes, 'stdout', time).entries);

const parsed = (entries: Buffer): { log: string }[] =>
  entries
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { log: string });

/** Output as containers write it, and as they should not. */
const output = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(
          '\n',
          'é€𐀀',
          '\n\n',
          '\r\n',
          '\0\x1b[1m',
          '\0'.repeat(40),
          '<&>"\\',
          '\u2028',
          'x'.repeat(16384),
        )
        .map((text) => Buffer.from(text)),
      fc.integer({ min: 16380, max: 40000 }).map((length) => Buffer.from('y'.repeat(length))),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => Buffer.concat(pieces));

describe('jsonFormat', () => {
  it('gives back the text, whatever it is, in entries of at most 16 KiB', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 20000 }), { maxLength: 4 }),
        (pieces) => {
          const bytes = Buffer.from(pieces.join('\n'));
          const texts = parsed(encode(bytes)).map(({ log }) => log);
          expect(texts.join('')).to.equal(bytes.toString());
          for (const text of texts) expect(Buffer.byteLength(text)).to.be.at.most(longestEntry);
          for (const text of texts.slice(0, -1).filter((part) => !part.endsWith('\n'))) {
            expect(Buffer.byteLength(text)).to.be.above(longestEntry - 4);
          }
          expect(texts).to.have.lengthOf(splitLines(bytes).length);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('decodes what it has encoded, and what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(output, (bytes) => {
        const encoded = encode(bytes);
        const { entries, length } = jsonFormat.decode(encoded);
        expect(length).to.equal(encoded.length);
        expect(entries.map(({ line }) => line.toString())).to.deep.equal(
          parsed(encoded).map(({ log }) => log),
        );
        for (const { timeNano } of entries) expect(timeNano).to.equal(1_700_000_000_123_456_789n);
      }),
      { numRuns: 150 },
    );
  });

  it('tells where each entry ends', () => {
    fc.assert(
      fc.property(output, (bytes) => {
        const { entries, ends } = jsonFormat.createEncoder({}).encode(bytes, 'stderr', time);
        for (let index = 1; index < ends.length; index += 2) {
          expect(entries[(ends[index] ?? 0) - 1]).to.equal(0x0a);
        }
        expect(bytes.length === 0 || ends.at(-2) === bytes.length).to.equal(true);
        expect(ends.length / 2).to.equal(parsed(entries).length);
      }),
      { numRuns: 50 },
    );
  });

  it('escapes each byte as Go does, wherever it stands', () => {
    const goes = (byte: number): string => {
      const character = String.fromCharCode(byte);
      if ('"\\'.includes(character)) return `\\${character}`;
      if (character === '\n' || character === '\r') return byte === 10 ? '\\n' : '\\r';
      if (byte > 0x7f) return '\\ufffd';
      const isPlain = byte >= 0x20 && !'<>&'.includes(character);
      return isPlain ? character : `\\u${byte.toString(16).padStart(4, '0')}`;
    };
    for (let byte = 0; byte < 256; byte++) {
      for (const before of [0, 1, 15, 16, 17, 40]) {
        const bytes = Buffer.from(`${'a'.repeat(before)}?${'b'.repeat(20)}`);
        bytes[before] = byte;
        const text = encode(bytes).toString();
        const expected = `${'a'.repeat(before)}${goes(byte)}`;
        expect(text.slice('{"log":"'.length), `${byte} after ${before}`).to.satisfy((log: string) =>
          log.startsWith(expected),
        );
      }
    }
  });

  it('makes room for a block of nothing but newlines, and for attributes without end', () => {
    const bytes = Buffer.alloc(20_000, '\n');
    const { entries, ends } = jsonFormat
      .createEncoder({ label: 'l'.repeat(200) })
      .encode(bytes, 'stdout', time);
    const [first = ''] = entries.toString().split('\n', 1);
    expect(first).to.match(/^\{"log":"\\n",.*l{200}.*\}$/);
    expect(entries.equals(Buffer.from(`${first}\n`.repeat(bytes.length)))).to.equal(true);
    expect([ends.length, ends.at(-2), ends.at(-1)]).to.deep.equal([40_000, 20_000, entries.length]);
    const long = encode(Buffer.from('x\n'.repeat(40)), { label: 'l'.repeat(100_000) });
    expect(parsed(long)).to.have.lengthOf(40);
  });

  it("escapes as docker does, in docker's order of fields", () => {
    const entry = encode(Buffer.from('a "b" <c>\\\t\u2028\xff\n'), { z: '<', a: '1' }).toString();
    expect(entry).to.equal(
      String.raw`{"log":"a \"b\" \u003cc\u003e\\\u0009\u2028ÿ\n","stream":"stdout","attrs":{"a":"1","z":"\u003c"},"time":"2023-11-14T22:13:20.123456789Z"}` +
        '\n',
    );
    expect(encode(Buffer.from([0xff, 0xc3, 0x0a])).toString()).to.contain(
      String.raw`"log":"\ufffd\ufffd\n"`,
    );
  });

  it('reads attributes, fields in another order, and passes over what is no entry', () => {
    const block = Buffer.concat([
      encode(Buffer.from('one\n'), { tag: 't' }),
      Buffer.from(
        '\0\0\0\n{"log":\n{"time":"1970-01-01T00:00:01Z","stream":"stderr","log":"\\ud83d\\ude00"}\n{"log":"unfin',
      ),
    ]);
    const { entries, length } = jsonFormat.decode(block);
    expect(
      entries.map(({ stream, line, attributes }) => ({
        stream,
        line: line.toString(),
        attributes,
      })),
    ).to.deep.equal([
      { stream: 'stdout', line: 'one\n', attributes: { tag: 't' } },
      { stream: 'stderr', line: '😀', attributes: undefined },
    ]);
    expect(entries[1]?.timeNano).to.equal(1_000_000_000n);
    expect(block.subarray(length).toString()).to.equal('{"log":"unfin');
  });
});

describe('completeLength', () => {
  it('ends after the last newline, and after each 16 KiB of a line without end', () => {
    expect(completeLength(Buffer.from('ab\ncd'))).to.equal(3);
    expect(completeLength(Buffer.from('abcd'))).to.equal(0);
    expect(completeLength(Buffer.from(`ab\n${'c'.repeat(16385)}`))).to.equal(3 + 16384);
  });
});
