import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { lgetxattr } from '#lib/sys/xattr';
import { applyLayer, type ApplyOptions } from '#lib/unpack/apply-layer';
import { digestOf } from '#spec/digest';
import { isStackError, type ErrorKind } from '#spec/errors';
import { archive, entryBytes, type ArchiveEntry } from './archive.ts';

const isRoot = process.getuid?.() === 0;

describe('applyLayer', () => {
  let scratch: string;
  let root: string;

  beforeEach(() => {
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'unpack-'));
    root = path.join(scratch, 'root');
    fs.mkdirSync(root);
  });
  afterEach(() => fs.rmSync(scratch, { recursive: true, force: true }));

  const at = (name: string) => path.join(root, name);
  const read = (name: string) => fs.readFileSync(at(name), 'utf8');

  function apply(layer: Buffer, options: Partial<ApplyOptions> = {}, pieceSize = 1 << 20) {
    return applyLayer(pieces(layer, pieceSize), root, { whiteouts: 'delete', ...options });
  }

  async function failure(layer: Buffer, options: Partial<ApplyOptions> = {}) {
    try {
      await apply(layer, options);
    } catch (error) {
      if (isStackError(error)) return error;
      throw error;
    }
    return expect.fail('it was accepted');
  }

  /** Everything that lies outside the root, to show that nothing was added or changed. */
  const outside = () => fs.readdirSync(scratch).filter((name) => name !== 'root');

  it('makes files, directories and links with mode and times', async () => {
    const layer = archive(
      { name: 'd/', flag: '5', mode: 0o750, mtime: 1000 },
      { name: 'd/file', content: 'hello', mode: 0o4711, pax: { mtime: '1234.123456789' } },
      {
        name: 'd/hard',
        flag: '1',
        linkName: 'd/file',
        mode: 0o4711,
        pax: { mtime: '1234.123456789' },
      },
      { name: 'd/soft', flag: '2', linkName: '/absolute', mtime: 99 },
      { name: 'old', content: '', pax: { mtime: '-1.5', atime: '2.25' } }, // before 1970 is 1970
    );
    const result = await apply(layer);
    expect(result).to.include({ diffId: digestOf(layer), sizeBytes: layer.length, entries: 5 });
    expect(read('d/file')).to.equal('hello');
    const file = fs.statSync(at('d/file'), { bigint: true });
    expect(file.mode & 0o7777n).to.equal(0o4711n);
    expect(file.mtimeNs).to.equal(1234123456789n);
    expect(file.ino).to.equal(fs.statSync(at('d/hard'), { bigint: true }).ino);
    expect(fs.readlinkSync(at('d/soft'))).to.equal('/absolute');
    expect(fs.lstatSync(at('d/soft')).mtimeMs).to.equal(99_000);
    expect(fs.statSync(at('d')).mtimeMs).to.equal(1_000_000);
    expect(fs.statSync(at('d')).mode & 0o7777).to.equal(0o750);
    expect(fs.statSync(at('old'), { bigint: true }).mtimeNs).to.equal(0n);
    expect(fs.statSync(at('old'), { bigint: true }).atimeNs).to.equal(2250000000n);
  });

  it('reads the same whatever the pieces and the compression', async () => {
    const layer = archive(
      { name: 'a', content: 'x'.repeat(1000), pax: { path: `long/${'n'.repeat(200)}` } },
      { name: 'b', content: 'tail' },
    );
    const forms = [layer, zlib.gzipSync(layer), zlib.zstdCompressSync(layer)];
    forms.push(
      Buffer.concat([zlib.gzipSync(layer.subarray(0, 700)), zlib.gzipSync(layer.subarray(700))]),
    );
    for (const form of forms) {
      for (const size of [1, 511, 513, 1 << 20]) {
        fs.rmSync(root, { recursive: true });
        fs.mkdirSync(root);
        expect((await apply(form, {}, size)).diffId).to.equal(digestOf(layer));
        expect(read(`long/${'n'.repeat(200)}`)).to.equal('x'.repeat(1000));
        expect(read('b')).to.equal('tail');
      }
    }
  });

  it('hashes what follows the end of the archive too', async () => {
    const layer = Buffer.concat([archive({ name: 'a' }), Buffer.from('garbage')]);
    expect((await apply(layer)).diffId).to.equal(digestOf(layer));
  });

  it('takes GNU long names, base 256 numbers and bytes that are no UTF-8', async () => {
    const long = `deep/${'x'.repeat(240)}/${'y'.repeat(240)}`;
    await apply(
      archive(
        { name: '././@LongLink', flag: 'L', content: `${long}\0` },
        { name: long, content: '1' },
        { name: '././@LongLink', flag: 'K', content: `${long}\0` },
        { name: 'soft', flag: '2', linkName: long },
        {
          name: 'n\xffame',
          content: '2',
          tweak: (header) => {
            header.fill(0, 124, 136);
            header[124] = 0x80;
            header[135] = 1;
          },
        },
      ),
    );
    expect(read(long)).to.equal('1');
    expect(fs.readlinkSync(at('soft'))).to.equal(long);
    expect(fs.readdirSync(root, { encoding: 'latin1' })).to.include('n\xffame');
  });

  for (const [format, flags] of [
    ['old GNU', ['--format=gnu']],
    ['pax 0.0', ['--format=pax', '--sparse-version=0.0']],
    ['pax 0.1', ['--format=pax', '--sparse-version=0.1']],
    ['pax 1.0', ['--format=pax', '--sparse-version=1.0']],
  ] as const) {
    it(`keeps the holes of sparse files (${format})`, async () => {
      const source = path.join(scratch, 'sparse');
      const fd = fs.openSync(source, 'w');
      for (let i = 0; i < 30; i++) fs.writeSync(fd, `part ${i}`, i * 1_000_000);
      fs.ftruncateSync(fd, 40_000_000);
      fs.closeSync(fd);
      await apply(execFileSync('tar', ['-C', scratch, '-S', ...flags, '-c', 'sparse']), {}, 4096);
      const { size, blocks } = fs.statSync(at('sparse'));
      expect(size).to.equal(40_000_000);
      expect(blocks * 512).to.be.below(1_000_000);
      expect(fs.readFileSync(at('sparse')).equals(fs.readFileSync(source))).to.equal(true);
    });
  }

  describe('stays inside the root', () => {
    const escapes: Record<string, ArchiveEntry[]> = {
      'with ..': [{ name: '../../victim', content: 'x' }],
      'with an absolute name': [{ name: '/victim', content: 'x' }],
      'through an absolute link': [
        { name: 'out', flag: '2', linkName: '/victim-dir' },
        { name: 'out/victim', content: 'x' },
      ],
      'through a relative link': [
        { name: 'out', flag: '2', linkName: '../../../..' },
        { name: 'out/victim', content: 'x' },
      ],
      'through a chain of links': [
        { name: 'a', flag: '2', linkName: '..' },
        { name: 'b', flag: '2', linkName: 'a/../a' },
        { name: 'b/c', flag: '2', linkName: '/' },
        { name: 'b/c/victim', content: 'x' },
      ],
      'through /proc': [
        { name: 'p', flag: '2', linkName: '/proc/self/cwd' },
        { name: 'p/victim', content: 'x' },
      ],
      'through a whiteout': [
        { name: 'out', flag: '2', linkName: '..' },
        { name: 'out/.wh.bystander', content: '' },
        { name: '../.wh.bystander', content: '' },
      ],
      'through an opaque directory': [
        { name: 'out', flag: '2', linkName: '..' },
        { name: 'out/.wh..wh..opq', content: '' },
      ],
    };
    for (const [how, entries] of Object.entries(escapes)) {
      it(how, async () => {
        fs.writeFileSync(path.join(scratch, 'bystander'), 'untouched');
        for (const whiteouts of isRoot ? (['delete', 'overlay'] as const) : (['delete'] as const)) {
          await apply(archive(...entries), { whiteouts });
        }
        expect(outside()).to.deep.equal(['bystander']);
        expect(fs.existsSync('/victim')).to.equal(false);
      });
    }

    it('when a file is written over a link to a file outside', async () => {
      const bystander = path.join(scratch, 'bystander');
      fs.writeFileSync(bystander, 'untouched');
      await apply(
        archive(
          { name: 'x', flag: '2', linkName: bystander },
          { name: 'y', flag: '1', linkName: 'x' },
          { name: 'y', content: 'mine', mode: 0o777 },
          { name: 'x', content: 'mine' },
        ),
      );
      expect(fs.readFileSync(bystander, 'utf8')).to.equal('untouched');
      expect(fs.statSync(bystander).mode & 0o777).to.not.equal(0o777);
      expect(read('y')).to.equal('mine');
    });

    it('when a hard link names a file outside', async () => {
      fs.writeFileSync(path.join(scratch, 'secret'), 'secret');
      for (const linkName of ['../secret', path.join(scratch, 'secret'), 'out/secret']) {
        const layer = archive(
          { name: 'out', flag: '2', linkName: '..' },
          { name: 'stolen', flag: '1', linkName },
        );
        const { message } = await failure(layer);
        expect(message).to.equal(
          `cannot unpack "stolen": it is a hard link to "${linkName}", which does not exist`,
        );
      }
    });

    it('when a hard link to a link says owner, mode and time of what it leads to', async () => {
      const bystander = path.join(scratch, 'bystander');
      fs.writeFileSync(bystander, 'untouched', { mode: 0o640 });
      const before = fs.statSync(bystander, { bigint: true });
      await apply(
        archive(
          { name: 'x', flag: '2', linkName: bystander },
          { name: 'y', flag: '1', linkName: 'x', mode: 0o4777, mtime: 5 },
        ),
      );
      expect(fs.statSync(bystander, { bigint: true })).to.deep.equal(before);
      expect(fs.lstatSync(at('y')).mtimeMs).to.equal(5000);
    });

    it('whatever names and links the archive holds', async function () {
      this.timeout(60_000);
      fs.writeFileSync(path.join(scratch, 'bystander'), 'untouched');
      const component = fc.constantFrom(
        '..',
        '.',
        '',
        'a',
        'b',
        'c',
        '.wh.a',
        '.wh..wh..opq',
        'bystander',
      );
      const name = fc
        .array(component, { minLength: 1, maxLength: 4 })
        .map((parts) => parts.join('/'));
      const entry = fc.record({ name, linkName: name, flag: fc.constantFrom('0', '1', '2', '5') });
      await fc.assert(
        fc.asyncProperty(fc.array(entry, { maxLength: 12 }), async (entries) => {
          fs.rmSync(root, { recursive: true });
          fs.mkdirSync(root);
          await apply(archive(...entries)).catch((error: unknown) => {
            if (!isStackError(error)) throw error;
          });
          expect(outside()).to.deep.equal(['bystander']);
          expect(fs.readFileSync(path.join(scratch, 'bystander'), 'utf8')).to.equal('untouched');
        }),
        { numRuns: 300 },
      );
    });
  });

  it('makes the target of a dangling link inside the root', async () => {
    await apply(
      archive({ name: 'lib', flag: '2', linkName: '/usr/lib' }, { name: 'lib/x', content: '1' }),
    );
    expect(read('usr/lib/x')).to.equal('1');
  });

  describe('with whiteouts on a plain tree', () => {
    beforeEach(() => {
      fs.mkdirSync(at('d/sub'), { recursive: true });
      for (const name of ['gone', 'd/old', 'd/sub/old', 'kept']) fs.writeFileSync(at(name), name);
    });

    it('deletes what they name, and what an opaque directory had', async () => {
      await apply(
        archive(
          { name: '.wh.gone' },
          { name: 'd/sub/new', content: 'n' },
          { name: 'd/.wh..wh..opq' },
          { name: '.wh.absent' },
        ),
      );
      expect(fs.readdirSync(root).sort()).to.deep.equal(['d', 'kept']);
      expect(fs.readdirSync(at('d/sub'))).to.deep.equal(['new']);
    });

    it('spares what the same layer made', async () => {
      await apply(archive({ name: 'gone', content: 'again' }, { name: '.wh.gone' }));
      expect(read('gone')).to.equal('again');
    });

    it('replaces a directory by a file and a file by a directory', async () => {
      await apply(
        archive({ name: 'd', content: 'file' }, { name: 'kept/', flag: '5' }, { name: 'kept/in' }),
      );
      expect(read('d')).to.equal('file');
      expect(fs.readdirSync(at('kept'))).to.deep.equal(['in']);
    });
  });

  describe('as root', () => {
    before(function () {
      if (!isRoot) this.skip(); // device nodes and trusted attributes need root
    });

    it('writes whiteouts in the form of overlayfs', async () => {
      const lower = path.join(scratch, 'lower');
      fs.mkdirSync(path.join(lower, 'd'), { recursive: true, mode: 0o755 });
      fs.chownSync(path.join(lower, 'd'), 70_001, 70_002);
      fs.chmodSync(path.join(lower, 'd'), 0o2751);
      fs.utimesSync(path.join(lower, 'd'), 5, 6);
      await apply(
        archive(
          { name: 'd/.wh.gone' },
          { name: 'o/.wh..wh..opq' },
          { name: '.wh.again' },
          { name: 'again/', flag: '5' },
        ),
        { whiteouts: 'overlay', lowerDirectories: [lower] },
      );
      const gone = fs.lstatSync(at('d/gone'));
      expect(gone.isCharacterDevice() && gone.rdev === 0).to.equal(true);
      expect(lgetxattr(at('o'), 'trusted.overlay.opaque').toString()).to.equal('y');
      expect(lgetxattr(at('again'), 'trusted.overlay.opaque').toString()).to.equal('y');
      expect(fs.statSync(at('d'))).to.include({ uid: 70_001, gid: 70_002, mode: 0o42751 });
      expect(fs.statSync(at('d')).mtimeMs).to.equal(6000);
    });

    it('sets owners, devices and attributes; those of a file as its last name says', async () => {
      const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
      const result = await apply(
        archive(
          {
            name: 'f',
            mode: 0o6755,
            pax: { uid: '100000', gid: '4000000', 'SCHILY.xattr.security.capability': capability },
          },
          { name: 'owned', pax: { uid: '100000', gid: '4000000' } },
          { name: 'hard', flag: '1', linkName: 'f', uid: 7, gid: 8, mode: 0o4750 },
          { name: 'char', flag: '3', device: [300, 70_000], mode: 0o640 },
          { name: 'fifo', flag: '6', mode: 0o666 },
          { name: 'd/', flag: '5', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc' } },
        ),
      );
      expect(fs.statSync(at('owned'))).to.include({ uid: 100_000, gid: 4_000_000 });
      expect(fs.statSync(at('f'))).to.include({ uid: 7, gid: 8, mode: 0o104750 });
      expect(lgetxattr(at('f'), 'security.capability').equals(capability)).to.equal(true);
      expect(
        execFileSync('stat', ['-c', '%F %t %T %a', at('char')], { encoding: 'utf8' }),
      ).to.equal('character special file 12c 11170 640\n');
      expect(fs.statSync(at('fifo'))).to.include({ mode: 0o10666 });
      expect(result.warnings).to.deep.equal([
        '"d/": attribute "trusted.overlay.redirect" is left out: reserved for the administrator',
      ]);
      expect(() => lgetxattr(at('d'), 'trusted.overlay.redirect')).to.throw('ENODATA');
    });
  });

  describe('refuses', () => {
    const ordinary = archive({ name: 'a', content: 'x'.repeat(5000) });
    const cases: [what: string, layer: Buffer, kind: ErrorKind, text: string][] = [
      ['text', Buffer.alloc(2048, 'no archive '), 'invalid_argument', 'malformed tar archive'],
      ['an archive cut short', ordinary.subarray(0, 2000), 'invalid_argument', 'ends too early'],
      [
        'gzip data cut short',
        zlib.gzipSync(ordinary).subarray(0, 40),
        'invalid_argument',
        'damaged gzip data',
      ],
      [
        'zstd data cut short',
        zlib.zstdCompressSync(ordinary).subarray(0, 20),
        'invalid_argument',
        'damaged zstd data',
      ],
      [
        'a wrong checksum',
        Buffer.concat([Buffer.from('b'), ordinary.subarray(1)]),
        'invalid_argument',
        'checksum of a header is wrong',
      ],
      [
        'an unknown type',
        archive({ name: 'a', flag: 'Z' }),
        'invalid_argument',
        'unknown type "Z"',
      ],
      [
        'a whiteout of its own directory',
        archive({ name: 'd/.wh..' }),
        'invalid_argument',
        'names no file',
      ],
      [
        'a file in a file',
        archive({ name: 'a' }, { name: 'a/b' }),
        'invalid_argument',
        '"a" is not a directory',
      ],
      [
        'a root that is a link',
        archive({ name: './', flag: '2', linkName: '/etc' }),
        'invalid_argument',
        'the root is replaced',
      ],
      [
        'an endless name',
        entryBytes({ name: 'x', flag: 'L', size: 2 ** 31 }),
        'invalid_argument',
        'too large',
      ],
      [
        'a pax record of a wrong length',
        archive({ name: 'x', flag: 'x', content: '99 a=b\n' }),
        'invalid_argument',
        'wrong length',
      ],
      [
        'a name with a zero byte',
        archive({ name: 'x', pax: { path: 'a\0b' } }),
        'invalid_argument',
        'zero byte',
      ],
      [
        'links in a circle',
        archive(
          { name: 'a', flag: '2', linkName: 'b' },
          { name: 'b', flag: '2', linkName: 'a' },
          { name: 'a/x' },
        ),
        'invalid_argument',
        'is not a directory',
      ],
      [
        'too long a name',
        archive({ name: 'x', pax: { path: 'n'.repeat(300) } }),
        'invalid_argument',
        'ENAMETOOLONG',
      ],
    ];
    for (const [what, layer, kind, text] of cases) {
      it(what, async () => {
        const { kind: actual, message } = await failure(layer);
        expect(message).to.include(text);
        expect(actual).to.equal(kind);
      });
    }

    it('what is larger than its limits', async () => {
      const { kind, message } = await failure(ordinary, { limits: { maxBytes: 4999 } });
      expect(kind).to.equal('resource_exhausted');
      expect(message).to.equal('layer has more than 4999 bytes of files');
      const many = archive({ name: 'a' }, { name: 'b' }, { name: 'c' });
      expect((await failure(many, { limits: { maxEntries: 2 } })).message).to.include('2 entries');
    });

    it('what goes on and on behind the end of the archive', async () => {
      async function* endless() {
        yield ordinary;
        for (;;) yield Buffer.alloc(1 << 20);
      }
      const limits = { maxEntries: 2, maxBytes: 10_000 };
      const error: unknown = await applyLayer(endless(), root, {
        whiteouts: 'delete',
        limits,
      }).catch((thrown: unknown) => thrown);
      expect(isStackError(error, 'resource_exhausted')).to.equal(true);
    });

    it('whatever damaged archives throw at it, with an error that says so', async function () {
      this.timeout(60_000);
      const sound = archive(
        { name: 'd/', flag: '5' },
        {
          name: 'd/a',
          content: 'x'.repeat(600),
          pax: { mtime: '1.5', 'SCHILY.xattr.user.a': 'b' },
        },
        { name: 'b', flag: '2', linkName: 'd/a' },
        {
          name: 's',
          content: '2\n0\n3\n600\n3\n'.padEnd(512, '\0') + 'abcdef',
          pax: {
            'GNU.sparse.major': '1',
            'GNU.sparse.minor': '0',
            'GNU.sparse.realsize': '700',
            'GNU.sparse.name': 'sp',
          },
        },
      );
      await apply(sound);
      expect(fs.readFileSync(at('sp')).subarray(600, 603).toString()).to.equal('def');
      const change = fc.tuple(fc.nat(sound.length - 1), fc.nat(255));
      await fc.assert(
        fc.asyncProperty(
          fc.array(change, { minLength: 1, maxLength: 4 }),
          fc.boolean(),
          async (changes, repair) => {
            const damaged = Buffer.from(sound);
            for (const [position, value] of changes) damaged[position] = value;
            fs.rmSync(root, { recursive: true });
            fs.mkdirSync(root);
            // With the checksums made right again the damage reaches the parsers behind them.
            await apply(repair ? withChecksums(damaged) : damaged).catch((error: unknown) => {
              if (!isStackError(error)) throw error;
            });
            expect(outside()).to.deep.equal([]);
          },
        ),
        { numRuns: 500 },
      );
    });

    it('and leaves no descriptor open', async () => {
      const open = () => fs.readdirSync('/proc/self/fd').length;
      await failure(ordinary.subarray(0, 2000));
      const before = open();
      for (let i = 0; i < 5; i++) await failure(ordinary.subarray(0, 2000));
      expect(open()).to.equal(before);
    });
  });
});

/** Makes the checksum of every block right that could be a header. */
function withChecksums(bytes: Buffer): Buffer {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    const block = bytes.subarray(at, at + 512);
    if (!block.subarray(257, 262).equals(Buffer.from('ustar'))) continue;
    block.fill(0x20, 148, 156);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
  return bytes;
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
