import { expect } from 'chai';
import fc from 'fast-check';
import { localFormat } from '../../src/logs/local-format.ts';

const time = { seconds: 1_700_000_000, nanos: 123_456_789 };

const lines = (bytes: Buffer): string[] =>
  localFormat.decode(bytes).entries.map(({ line }) => line.toString());

describe('localFormat', () => {
  it("writes docker's record", () => {
    const { entries, ends } = localFormat
      .createEncoder({ tag: 't' })
      .encode(Buffer.from('hello\n'), 'stdout', { seconds: 1, nanos: 5 });
    const message = [
      ...[0x0a, 6, ...Buffer.from('stdout')],
      ...[0x10, 0x85, 0x94, 0xeb, 0xdc, 0x03],
      ...[0x1a, 5, ...Buffer.from('hello')],
      ...[0x32, 8, 0x0a, 3, ...Buffer.from('tag'), 0x12, 1, ...Buffer.from('t')],
    ];
    const size = [0, 0, 0, message.length];
    expect([...entries]).to.deep.equal([...size, ...message, ...size]);
    expect(ends).to.deep.equal([6, entries.length]);
    expect(localFormat.decode(entries).entries[0]?.attributes).to.deep.equal({ tag: 't' });
  });

  it('gives back the bytes, whatever they are', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.integer({ min: 0, max: 40000 }).map((length) => Buffer.from(`${'y'.repeat(length)}\n`)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const bytes = Buffer.concat(pieces);
        const encoded = Buffer.from(
          localFormat.createEncoder({}).encode(bytes, 'stderr', time).entries,
        );
        const { entries, length } = localFormat.decode(encoded);
        expect(length).to.equal(encoded.length);
        expect(Buffer.concat(entries.map(({ line }) => line))).to.deep.equal(bytes);
        for (const { stream, timeNano } of entries) {
          expect(stream).to.equal('stderr');
          expect(timeNano).to.equal(1_700_000_000_123_456_789n);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('marks the pieces of a line, across calls, until its end', () => {
    const encoder = localFormat.createEncoder({});
    const first = Buffer.from(
      encoder.encode(Buffer.from('x'.repeat(16384)), 'stdout', time).entries,
    );
    const last = Buffer.from(encoder.encode(Buffer.from('end\nnext\n'), 'stdout', time).entries);
    expect(lines(Buffer.concat([first, last]))).to.deep.equal([
      'x'.repeat(16384),
      'end\n',
      'next\n',
    ]);
    const id = /[0-9a-f]{64}/.exec(first.toString('latin1'))?.[0];
    expect(last.toString('latin1')).to.contain(id);
  });

  it('goes on reading until a record that was never finished', () => {
    const encoder = localFormat.createEncoder({});
    const whole = Buffer.from(encoder.encode(Buffer.from('a\nb\n'), 'stdout', time).entries);
    expect(localFormat.decode(whole.subarray(0, -1)).entries).to.have.lengthOf(1);
    expect(lines(Buffer.concat([whole, Buffer.alloc(100)]))).to.deep.equal(['a\n', 'b\n']);
    expect(lines(Buffer.concat([whole, Buffer.alloc(100, 0xff)]))).to.deep.equal(['a\n', 'b\n']);
  });
});
