import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { expect } from 'chai';
import { packLayer, type LayerSource, type PackOptions } from '#lib/pack/pack-layer';
import { NotSelfContained } from '#lib/pack/upper-changes';
import { AT_FDCWD, lutimensat, mknodat, S_IFBLK, S_IFCHR, S_IFIFO } from '#lib/sys/file';
import { lsetxattr } from '#lib/sys/xattr';
import { applyLayer } from '#lib/unpack/apply-layer';
import { digestOf } from '#spec/digest';
import { describeTree } from './described-tree.ts';

/** As setcap(8) writes it: version 2, cap_net_raw effective and permitted. */
const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');

describe('packLayer', () => {
  let scratch: string;

  beforeEach(() => {
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'pack-'));
  });
  afterEach(() => fs.rmSync(scratch, { recursive: true, force: true }));

  const at = (...names: string[]) => path.join(scratch, ...names);

  /** A folder with these files; a name that ends with a slash is a folder. */
  function tree(name: string, files: Record<string, string>): string {
    fs.mkdirSync(at(name));
    for (const [file, content] of Object.entries(files)) {
      const target = at(name, file);
      fs.mkdirSync(file.endsWith('/') ? target : path.dirname(target), { recursive: true });
      if (!file.endsWith('/')) fs.writeFileSync(target, content);
    }
    return at(name);
  }

  function copy(from: string, name: string): string {
    execFileSync('cp', ['-a', from, at(name)]);
    return at(name);
  }

  async function pack(source: LayerSource, options: Partial<PackOptions> = {}) {
    const parts: Buffer[] = [];
    const packed = await packLayer(source, {
      compression: 'none',
      write: (bytes) => parts.push(bytes),
      ...options,
    });
    return { ...packed, bytes: Buffer.concat(parts) };
  }

  async function apply(layer: Buffer, root: string) {
    async function* pieces() {
      yield layer;
    }
    return applyLayer(pieces(), root, { whiteouts: 'delete' });
  }

  /** Names in an archive, as GNU tar reads them. */
  const namesIn = (layer: Buffer) =>
    execFileSync('tar', ['-tf', '-', '--quoting-style=literal'], {
      input: layer,
      encoding: 'latin1',
      stdio: ['pipe', 'pipe', 'ignore'],
    })
      .split('\n')
      .filter((line) => line !== '');

  /** Packs the difference, applies it to a copy of `before` and compares that with `after`. */
  async function survives(before: string, after: string): Promise<string[]> {
    const { bytes } = await pack({ kind: 'trees', before, after });
    const result = copy(before, 'result');
    await apply(bytes, result);
    // What lies in the root changes its time, which a layer says only with its other attributes.
    expect(describeTree(result).slice(1)).to.deep.equal(describeTree(after).slice(1));
    return namesIn(bytes);
  }

  it('packs only what changed, with the directories above it', async () => {
    const before = tree('before', { 'a/same': '1', 'a/old': '2', 'b/c/d': '3', 'gone/x': '4' });
    const after = copy(before, 'after');
    fs.writeFileSync(path.join(after, 'a/old'), 'new');
    fs.writeFileSync(path.join(after, 'b/c/added'), 'new');
    fs.rmSync(path.join(after, 'gone'), { recursive: true });
    fs.rmSync(path.join(after, 'b/c/d'));
    expect(await survives(before, after)).to.deep.equal([
      ...['a/', 'a/old', 'b/', 'b/c/', 'b/c/added', 'b/c/.wh.d', '.wh.gone'],
    ]);
  });

  it('sees changes of mode, owner, attributes, type and link target', async () => {
    const before = tree('before', { mode: '', 'dir-mode/': '', file: '', 'dir/x': '', xattr: '' });
    fs.symlinkSync('one', path.join(before, 'link'));
    const after = copy(before, 'after');
    const place = (name: string) => path.join(after, name);
    fs.chmodSync(place('mode'), 0o4711);
    fs.chmodSync(place('dir-mode'), 0o1777);
    fs.rmSync(place('file'));
    fs.mkdirSync(place('file'));
    fs.writeFileSync(place('file/inside'), '');
    fs.rmSync(place('dir'), { recursive: true });
    fs.writeFileSync(place('dir'), 'now a file');
    fs.rmSync(place('link'));
    fs.symlinkSync('two', place('link'));
    lsetxattr(place('xattr'), 'user.note', Buffer.from([0, 0x0a, 0xff, 0x3d]));
    expect(await survives(before, after)).to.deep.equal([
      'dir',
      'dir-mode/',
      'file/',
      'file/inside',
      'link',
      'mode',
      'xattr',
    ]);
  });

  it('compares the bytes of files whose time has no nanoseconds', async () => {
    const before = tree('before', { same: 'one', other: 'one' });
    for (const name of ['same', 'other']) fs.utimesSync(path.join(before, name), 5, 5);
    const after = copy(before, 'after');
    fs.writeFileSync(path.join(after, 'other'), 'two');
    fs.utimesSync(path.join(after, 'other'), 5, 5);
    expect(await survives(before, after)).to.deep.equal(['other']);
  });

  it('makes all names of a changed file anew', async () => {
    const before = tree('before', { a: '1', 'z/last': '2' });
    fs.linkSync(path.join(before, 'a'), path.join(before, 'b'));
    const after = copy(before, 'after');
    fs.linkSync(path.join(after, 'a'), path.join(after, 'c'));
    fs.linkSync(path.join(after, 'z/last'), path.join(after, 'early'));
    const names = await survives(before, after);
    expect(names).to.deep.equal(['c', 'a', 'b', 'early', 'z/', 'z/last']);
  });

  it('keeps names, owners and times that a tar header cannot hold', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const before = tree('before', {});
    const long = path.join('d'.repeat(200), 'n'.repeat(250));
    const after = tree('after', { [long]: 'x', owned: '', früh: '' });
    fs.symlinkSync('t'.repeat(300), path.join(after, 'soft'));
    fs.writeFileSync(Buffer.from(`${after}/n\xffame`, 'latin1'), '');
    fs.lchownSync(path.join(after, 'owned'), 70_000, 4_000_000_000);
    await survives(before, after);
  });

  it('writes times before 1970, which not everybody reads', async () => {
    const after = tree('after', { past: '' });
    const time = { seconds: -2, nanoseconds: 500_000_001 };
    lutimensat(AT_FDCWD, path.join(after, 'past'), time, time);
    const { bytes } = await pack({ kind: 'trees', after });
    expect(bytes.toString('latin1')).to.include(' mtime=-1.499999999\n');
  });

  it('keeps devices, FIFOs, hard links and file capabilities', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const before = tree('before', {});
    const after = tree('after', { ping: 'x' });
    const place = (name: string) => path.join(after, name);
    lsetxattr(place('ping'), 'security.capability', capability);
    mknodat(AT_FDCWD, place('null'), S_IFCHR | 0o666, { major: 1, minor: 3 });
    mknodat(AT_FDCWD, place('disk'), S_IFBLK | 0o660, { major: 259, minor: 1_000_000 });
    mknodat(AT_FDCWD, place('pipe'), S_IFIFO | 0o600);
    fs.linkSync(place('null'), place('null2'));
    fs.linkSync(place('ping'), place('ping2'));
    await survives(before, after);
  });

  it('keeps large holes as holes and small ones as zeros', async () => {
    const before = tree('before', {});
    const after = tree('after', {});
    for (const [name, size] of [
      ['large', 3 * 1024 ** 3],
      ['small', 1 << 20],
    ] as const) {
      const fd = fs.openSync(path.join(after, name), 'w');
      fs.writeSync(fd, 'begin', 0);
      fs.writeSync(fd, 'middle', size / 2);
      fs.ftruncateSync(fd, size);
      fs.closeSync(fd);
    }
    const { bytes } = await pack({ kind: 'trees', before, after });
    expect(bytes.length).to.be.below(3 << 20);
    const result = tree('result', {});
    await apply(bytes, result);
    const { size, blocks } = fs.statSync(path.join(result, 'large'));
    expect(size).to.equal(3 * 1024 ** 3);
    expect(blocks * 512).to.be.below(1 << 20);
    const middle = Buffer.alloc(6);
    const fd = fs.openSync(path.join(result, 'large'), 'r');
    fs.readSync(fd, middle, 0, 6, size / 2);
    fs.closeSync(fd);
    expect(middle.toString()).to.equal('middle');
    const small = (root: string) => fs.readFileSync(path.join(root, 'small'));
    expect(small(result).equals(small(after))).to.equal(true);
    const table = execFileSync('tar', ['-tvf', '-'], { input: bytes, encoding: 'utf8' });
    expect(table).to.match(/ 3221225472 .* large\n/);
  });

  it('leaves out what would be taken for something else, and says so', async () => {
    const after = tree('after', { 'd/.wh..wh..opq': '', 'd/.wh.x': '', file: '' });
    const server = net.createServer().listen(path.join(after, 'socket'));
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      const { bytes, warnings } = await pack({ kind: 'trees', after });
      expect(namesIn(bytes)).to.deep.equal(['d/', 'file']);
      expect(warnings).to.deep.equal([
        '"d/.wh..wh..opq" is left out: its name would remove another file',
        '"d/.wh.x" is left out: its name would remove another file',
        '"socket" is left out: a socket',
      ]);
    } finally {
      server.close();
    }
  });

  it('follows no link out of the tree', async () => {
    tree('secret', { key: 'secret' });
    const after = tree('after', {});
    fs.symlinkSync(at('secret'), path.join(after, 'dir'));
    fs.symlinkSync(at('secret/key'), path.join(after, 'file'));
    const { bytes } = await pack({ kind: 'trees', before: tree('before', {}), after });
    expect(namesIn(bytes)).to.deep.equal(['dir', 'file']);
  });

  it('names the same trees by the same digests, however they are compressed', async () => {
    const before = tree('before', { a: '1', b: '2' });
    const after = tree('after', { a: '1', c: '3' });
    const plain = await pack({ kind: 'trees', before, after });
    expect(plain.digest).to.equal(plain.diffId);
    const unpack = { gzip: zlib.gunzipSync, zstd: zlib.zstdDecompressSync };
    for (const compression of ['gzip', 'zstd'] as const) {
      const one = await pack({ kind: 'trees', before, after }, { compression });
      const two = await pack({ kind: 'trees', before, after }, { compression });
      expect(one.digest).to.equal(two.digest).and.to.equal(digestOf(one.bytes));
      expect(one.diffId).to.equal(plain.diffId);
      expect(one.sizeBytes).to.equal(one.bytes.length);
      expect(unpack[compression](one.bytes).equals(plain.bytes)).to.equal(true);
    }
  });

  it('makes nothing younger than it is told', async () => {
    const after = tree('after', { old: '', 'new/file': '' });
    fs.utimesSync(path.join(after, 'old'), 1000, 1000);
    const before = tree('before', { gone: '' });
    const latestTime = { seconds: 1_500_000_000, nanoseconds: 0 };
    const { bytes } = await pack({ kind: 'trees', before, after }, { latestTime });
    const table = execFileSync('tar', ['--utc', '--full-time', '-tvf', '-'], { input: bytes });
    const times = [...table.toString().matchAll(/(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d).* (\S+)\n/g)];
    expect(Object.fromEntries(times.map(([, time, name]) => [name, time]))).to.deep.equal({
      '.wh.gone': '2017-07-14 02:40:00',
      'new/': '2017-07-14 02:40:00',
      'new/file': '2017-07-14 02:40:00',
      old: '1970-01-01 00:16:40',
    });
  });

  describe('of an overlay', () => {
    let lower: string;
    let upper: string;
    let merged: string;

    beforeEach(function () {
      if (process.getuid?.() !== 0) this.skip();
      lower = tree('lower', { keep: '1', gone: '2', 'dir/a': '3', 'dir/b': '4', 'new/x': '5' });
      upper = tree('upper', {});
      merged = tree('merged', {});
      tree('work', {});
    });

    /** Runs a shell script in the mounted overlay, in a mount namespace that goes with it. */
    function change(script: string, options = ''): void {
      const mount = `mount -t overlay overlay -o lowerdir=${lower},upperdir=${upper},workdir=${at('work')}${options} ${merged}`;
      execFileSync('unshare', ['-m', 'sh', '-ec', `${mount}; cd ${merged}; ${script}`]);
    }

    it('is the upper directory, with whiteouts and opaque directories', async () => {
      change('rm gone; echo 6 >keep; rm -r dir; mkdir dir; echo 7 >dir/c; touch new/y; rm new/x');
      const { bytes } = await pack({ kind: 'upper', upper, lower });
      expect(namesIn(bytes)).to.deep.equal([
        ...['dir/', 'dir/.wh..wh..opq', 'dir/c', '.wh.gone', 'keep', 'new/', 'new/.wh.x', 'new/y'],
      ]);
      const result = copy(lower, 'result');
      await apply(bytes, result);
      expect(fs.readdirSync(path.join(result, 'dir'))).to.deep.equal(['c']);
      expect(fs.readdirSync(path.join(result, 'new'))).to.deep.equal(['y']);
      expect(fs.readdirSync(result)).to.deep.equal(['dir', 'keep', 'new']);
    });

    it('knows the marks of mounts with userxattr', async () => {
      fs.mkdirSync(path.join(upper, 'dir'));
      lsetxattr(path.join(upper, 'dir'), 'user.overlay.opaque', Buffer.from('y'));
      const { bytes } = await pack({ kind: 'upper', upper, lower });
      expect(namesIn(bytes)).to.deep.equal(['dir/', 'dir/.wh..wh..opq']);
    });

    it('says new attributes of the root', async () => {
      change('chmod 750 .; chown 1:2 .');
      const { bytes } = await pack({ kind: 'upper', upper, lower });
      expect(namesIn(bytes)).to.deep.equal(['./']);
      const result = copy(lower, 'result');
      await apply(bytes, result);
      expect(fs.statSync(result)).to.include({ uid: 1, gid: 2, mode: 0o40750 });
    });

    it('is refused where a directory was renamed in place of copied', async () => {
      change('mv dir moved', ',redirect_dir=on');
      const error = await pack({ kind: 'upper', upper, lower }).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(NotSelfContained);
    });
  });
});
