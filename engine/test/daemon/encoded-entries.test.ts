import { expect } from 'chai';
import { encodedEntries, type EntryOptions } from '../../src/daemon/encoded-entries.ts';
import type { OutputStream } from '../../src/daemon/output.ts';
import { entryOf } from '../../src/logs/json-decoder.ts';

const plain: EntryOptions = { tty: false, timestamps: false, details: false, joinLines: false };

type Line = [stream: OutputStream, text: string];

async function encode(lines: readonly Line[], options: Partial<EntryOptions>): Promise<Buffer> {
  const batch = lines.map(([stream, text]) =>
    entryOf(stream, 1_700_000_000_123_456_789n, Buffer.from(text), { b: '2', a: '1' }),
  );
  const chunks: Buffer[] = [];
  const batches = (async function* () {
    yield Promise.resolve(batch);
  })();
  for await (const chunk of encodedEntries(batches, { ...plain, ...options })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function framesOf(bytes: Buffer): [stream: number, text: string][] {
  const frames: [number, string][] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at + 4);
    frames.push([bytes.readUInt32BE(at) >>> 24, bytes.toString('utf8', at + 8, end)]);
    at = end;
  }
  return frames;
}

describe('encodedEntries', () => {
  const lines: Line[] = [
    ['stdout', 'one\n'],
    ['stdout', 'two\n'],
    ['stderr', 'three\n'],
    ['stdout', 'four\n'],
  ];

  it('puts each line into a frame', async () => {
    expect(framesOf(await encode(lines, {}))).to.deep.equal([
      [1, 'one\n'],
      [1, 'two\n'],
      [2, 'three\n'],
      [1, 'four\n'],
    ]);
  });

  it('joins lines of one stream, and keeps the order of the streams', async () => {
    expect(framesOf(await encode(lines, { joinLines: true }))).to.deep.equal([
      [1, 'one\ntwo\n'],
      [2, 'three\n'],
      [1, 'four\n'],
    ]);
  });

  it('makes no joined frame longer than 32 KiB with its header, unless a line is', async () => {
    const many = [1000, 40_000, 16_000, 16_000, 800, 800].map((length): Line => [
      'stdout',
      'x'.repeat(length),
    ]);
    const frames = framesOf(await encode(many, { joinLines: true }));
    expect(frames.map(([, text]) => text.length)).to.deep.equal([1000, 40_000, 32_000, 1600]);
  });

  it('writes times and details before each line, joined or not', async () => {
    const before = '2023-11-14T22:13:20.123456789Z a=1,b=2 ';
    const options = { timestamps: true, details: true };
    const expected = lines.map(([, text]) => before + text).join('');
    for (const joinLines of [false, true]) {
      const frames = framesOf(await encode(lines, { ...options, joinLines }));
      expect(frames.map(([, text]) => text).join('')).to.equal(expected);
    }
    expect(String(await encode(lines, { ...options, tty: true }))).to.equal(expected);
  });
});
