import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import { expect } from 'chai';
import { expandArchive, expandByProgram } from '#lib/unpack/expand-archive';

const content = Buffer.concat([Buffer.alloc(3_000_000, 'text '), randomBytes(500_000)]);

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += size) {
    yield await Promise.resolve(bytes.subarray(offset, offset + size));
  }
}

const packed: Readonly<Record<string, () => Buffer>> = {
  none: () => content,
  gzip: () => zlib.gzipSync(content),
  zstd: () => zlib.zstdCompressSync(content),
  xz: () => execFileSync('xz', ['-0', '-c'], { input: content, maxBuffer: 1 << 24 }),
  bzip2: () => execFileSync('bzip2', ['-1', '-c'], { input: content, maxBuffer: 1 << 24 }),
};

describe('expandArchive', () => {
  for (const [name, pack] of Object.entries(packed)) {
    it(`takes ${name}, in pieces of any size`, async () => {
      const bytes = pack();
      for (const size of [1 << 16, bytes.length]) {
        expect((await collect(expandArchive(inPieces(bytes, size)))).equals(content)).to.equal(
          true,
        );
      }
      const start = inPieces(bytes.subarray(0, 1000), 1);
      const error: unknown = await collect(expandArchive(start)).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (name === 'none') expect(error).to.equal(undefined);
      else
        expect(error)
          .to.include({ kind: 'invalid_argument' })
          .and.match(new RegExp(`damaged ${name}`));
    });
  }

  it('takes what is shorter than any name of a compression', async () => {
    for (const text of ['', 'B', 'BZ']) {
      expect((await collect(expandArchive(inPieces(Buffer.from(text), 1)))).toString()).to.equal(
        text,
      );
    }
  });

  it('passes on why there is no more, and leaves no process', async () => {
    const bytes = packed['xz']?.() ?? Buffer.alloc(0);
    async function* broken(): AsyncGenerator<Buffer> {
      yield* inPieces(bytes.subarray(0, 100_000), 1 << 16);
      throw new Error('gone');
    }
    const error: unknown = await collect(expandByProgram(broken())).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).to.include({ message: 'gone' });
    for await (const _first of expandByProgram(inPieces(bytes, 1 << 16))) break;
    const children = execFileSync('ps', ['--ppid', process.pid.toString(), '-o', 'comm='], {
      encoding: 'utf8',
    });
    expect(children).to.not.contain('xz');
  });

  it('says which program is missing', async () => {
    const { PATH } = process.env;
    process.env['PATH'] = '/nowhere';
    try {
      const bytes = Buffer.concat([Buffer.from('BZh9'), content]);
      const error: unknown = await collect(expandArchive(inPieces(bytes, 1 << 16))).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).to.include({ kind: 'unavailable' });
      expect(error).to.have.property(
        'message',
        'exec: "bzip2": executable file not found in $PATH',
      );
    } finally {
      process.env['PATH'] = PATH;
    }
  });
});
