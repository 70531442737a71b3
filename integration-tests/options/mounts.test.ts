/** Mounts of containers: parts of volumes, propagation, read-only with what lies below, tmpfs and its options. */
import { expect } from 'chai';
import fs from 'node:fs';
import path from 'node:path';
import { runOk } from '../harness/command.ts';
import { optionFixture, type OptionFixture } from './option-fixture.ts';

describe('mounts of containers', () => {
  let fixture: OptionFixture;
  let folder: string;
  const volume = 'parts';
  const box = 'mounting';
  const mount = (...words: string[]): string[] => ['--mount', words.join(',')];

  before(async function () {
    fixture = await optionFixture(this);
    folder = path.join(fixture.stack.root, 'mounts-test');
    fs.mkdirSync(path.join(folder, 'below'), { recursive: true });
    await runOk('mount', ['--bind', folder, folder]);
    await runOk('mount', ['--make-rprivate', folder]);
    await runOk('mount', ['-t', 'tmpfs', 'tmpfs', path.join(folder, 'below')]);
  });

  after(async () => {
    await runOk('umount', ['-R', folder]);
  });

  afterEach(async () => {
    await fixture.docker('rm', '-f', box);
    await fixture.docker('volume', 'rm', volume);
    const left = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n');
    expect(left.filter((line) => line.includes(`${fixture.stack.root}/run/mounts`))).to.be.empty;
  });

  it('show a part of a volume', async () => {
    const part = mount('type=volume', `src=${volume}`, 'dst=/part', 'volume-subpath=a/b');
    const whole = mount('type=volume', `src=${volume}`, 'dst=/whole');
    expect(await fixture.fails('run', '--rm', ...part, fixture.busybox)).to.contain(
      'cannot access path',
    );
    await fixture.shell(
      whole,
      'mkdir -p /whole/a/b; echo in > /whole/a/b/f; echo one > /whole/file',
    );
    expect(await fixture.shell(part, 'ls /part; echo more > /part/g')).to.equal('f');
    const file = mount('type=volume', `src=${volume}`, 'dst=/etc/one', 'volume-subpath=file');
    expect(await fixture.shell([...whole, ...file], 'cat /etc/one; ls /whole/a/b')).to.equal(
      'one\nf\ng',
    );
    await fixture.ok('run', '-d', '--name', box, ...part, fixture.busybox, 'sleep', '300');
    await fixture.ok('restart', '-t', '0', box);
    expect(await fixture.ok('exec', box, 'ls', '/part')).to.equal('f\ng');
    await fixture.ok('stop', '-t', '0', box);
    const copied = await fixture.ok('cp', `${box}:/part/f`, '-');
    expect(copied).to.contain('in\n');
  });

  it('do not let links lead out of a volume', async () => {
    const whole = mount('type=volume', `src=${volume}`, 'dst=/whole');
    await fixture.shell(
      whole,
      'ln -s / /whole/out; ln -s ../../../.. /whole/up; mkdir /whole/d; ln -s d /whole/in; echo x > /whole/d/f',
    );
    const part = (subpath: string): string[] =>
      mount('type=volume', `src=${volume}`, 'dst=/part', `volume-subpath=${subpath}`);
    for (const subpath of ['out/etc', 'up/etc']) {
      expect(await fixture.fails('run', '--rm', ...part(subpath), fixture.busybox)).to.contain(
        'path concatenation escapes the base directory',
      );
    }
    expect(await fixture.shell(part('in'), 'cat /part/f')).to.equal('x');
    for (const subpath of ['../x', '/etc']) {
      expect(await fixture.fails('create', ...part(subpath), fixture.busybox)).to.contain(
        'subpath must be a relative path within the volume',
      );
    }
  });

  it('leave a new volume empty when told so', async () => {
    const at = (...words: string[]): string[] =>
      mount('type=volume', `src=${volume}`, 'dst=/bin/..data/../../etc', ...words);
    expect(await fixture.shell(at('volume-nocopy'), 'ls /etc | grep -c passwd; true')).to.equal(
      '0',
    );
    await fixture.ok('volume', 'rm', volume);
    expect(await fixture.shell(at(), 'ls /etc | grep -c passwd; true')).to.equal('1');
  });

  it('are read-only with what is mounted below, or without', async () => {
    const write =
      'touch /m/x 2>/dev/null && echo top; touch /m/below/x 2>/dev/null && echo below; true';
    const bind = (...words: string[]): string[] =>
      mount('type=bind', `src=${folder}`, 'dst=/m', ...words);
    expect(await fixture.shell(bind(), write)).to.equal('top\nbelow');
    expect(await fixture.shell(bind('readonly'), write)).to.equal('');
    expect(await fixture.shell(bind('readonly', 'bind-recursive=writable'), write)).to.equal(
      'below',
    );
    const forced = bind('readonly', 'bind-recursive=readonly', 'bind-propagation=rprivate');
    expect(await fixture.shell(forced, write)).to.equal('');
    expect(await fixture.shell(['-v', `${folder}:/m:ro`], write)).to.equal('');
    const alone = bind('bind-recursive=disabled');
    expect(await fixture.shell(alone, 'grep -c " /m/below " /proc/mounts; true')).to.equal('0');
  });

  it('propagate where the source takes part, and say where it does not', async () => {
    const shared = ['-v', `${folder}:/m:rshared`];
    expect(await fixture.fails('run', '--rm', ...shared, fixture.busybox)).to.contain(
      `path ${folder} is mounted on ${folder} but it is not a shared mount`,
    );
    expect(
      await fixture.fails('run', '--rm', '-v', `${folder}:/m:rslave`, fixture.busybox),
    ).to.contain('it is not a shared or slave mount');
    await runOk('mount', ['--make-shared', folder]);
    try {
      fs.mkdirSync(path.join(folder, 'late'), { recursive: true });
      const options = ['-v', `${folder}:/m:rslave`];
      await fixture.ok('run', '-d', '--name', box, ...options, fixture.busybox, 'sleep', '300');
      await runOk('mount', ['-t', 'tmpfs', 'late', path.join(folder, 'late')]);
      expect(
        await fixture.ok('exec', box, 'grep', '-c', '^late /m/late ', '/proc/mounts'),
      ).to.equal('1');
      await runOk('umount', [path.join(folder, 'late')]);
      const both = ['--cap-add', 'SYS_ADMIN', ...shared];
      await fixture.shell(both, 'mount -t tmpfs up /m/late');
      const there = fs.readFileSync('/proc/self/mounts', 'utf8');
      expect(there).to.contain(`up ${folder}/late tmpfs`);
      await runOk('umount', [path.join(folder, 'late')]);
    } finally {
      await runOk('mount', ['--make-private', folder]);
    }
  });

  it('make a missing source for -v and refuse it for --mount', async () => {
    const missing = path.join(folder, 'made/deep');
    expect(
      await fixture.fails(
        'create',
        ...mount('type=bind', `src=${missing}`, 'dst=/m'),
        fixture.busybox,
      ),
    ).to.contain(`bind source path does not exist: ${missing}`);
    expect(fs.existsSync(missing)).to.equal(false);
    await fixture.shell(['-v', `${missing}:/m:cached`], 'touch /m/f');
    expect(fs.readdirSync(missing)).to.deep.equal(['f']);
  });

  it('are tmpfs of a size and mode, with the options that are its own', async () => {
    const shown = 'grep " /t " /proc/mounts; stat -c %a /t';
    const size = mount('type=tmpfs', 'dst=/t', 'tmpfs-size=1m', 'tmpfs-mode=1770');
    expect(await fixture.shell(size, shown)).to.match(/nosuid,nodev,noexec.*size=1024k.*\n1770$/);
    const short = ['--tmpfs', '/t:rw,exec,size=64k,uid=7'];
    expect(await fixture.shell(short, shown)).to.match(
      /^tmpfs \/t tmpfs rw,nosuid,nodev,relatime,size=64k,uid=7/,
    );
    expect(await fixture.fails('create', '--tmpfs', '/t:bogus=1', fixture.busybox)).to.contain(
      'invalid tmpfs option ["bogus=1"]',
    );
    await fixture.ok('create', '--name', box, ...size, fixture.busybox);
    expect(JSON.parse(await fixture.ok('inspect', '-f', '{{json .Mounts}}', box))).to.deep.equal([
      { Type: 'tmpfs', Source: '', Destination: '/t', Mode: '', RW: true, Propagation: '' },
    ]);
  });
});
