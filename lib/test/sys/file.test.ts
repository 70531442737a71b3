import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import {
  AT_FDCWD,
  close,
  futimens,
  lstatat,
  mknodat,
  O_DIRECTORY,
  O_RDONLY,
  O_WRONLY,
  openat,
  openat2,
  pwriteAll,
  readlinkat,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  S_IFBLK,
  S_IFIFO,
  symlinkat,
  writeAll,
} from '#lib/sys/file';
import { SyscallError } from '#lib/sys/libc';
import { fsetxattr, lgetxattr, llistxattr } from '#lib/sys/xattr';

describe('calls relative to a directory', () => {
  let folder: string;
  let fd: number;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'file-'));
    fd = openat(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY);
  });
  afterEach(() => {
    close(fd);
    fs.rmSync(folder, { recursive: true });
  });

  it('resolve inside the root, or refuse to leave it', () => {
    fs.mkdirSync(path.join(folder, 'etc'));
    symlinkat('/etc', fd, 'link');
    const inside = openat2(fd, 'link', { flags: O_RDONLY, resolve: RESOLVE_IN_ROOT });
    expect(lstatat(inside, '').inode).to.equal(lstatat(fd, 'etc').inode);
    close(inside);
    expect(() => openat2(fd, 'link', { flags: O_RDONLY, resolve: RESOLVE_BENEATH }))
      .to.throw(SyscallError, 'openat2 link: EXDEV')
      .with.property('code', 'EXDEV');
  });

  it('take names as text or as bytes', () => {
    symlinkat(Buffer.from('t\xff\0', 'latin1'), fd, Buffer.from('n\xfe\0', 'latin1'));
    expect(fs.readdirSync(folder, { encoding: 'latin1' })).to.deep.equal(['n\xfe']);
    const target = readlinkat(fd, Buffer.from('n\xfe\0', 'latin1'));
    expect(target.toString('latin1')).to.equal('t\xff');
  });

  it('say of a file what stat(2) says', () => {
    const file = path.join(folder, 'f');
    fs.writeFileSync(file, 'hello', { mode: 0o640 });
    fs.linkSync(file, `${file}2`);
    const opened = openat(fd, 'f', O_WRONLY);
    futimens(
      opened,
      { seconds: -2, nanoseconds: 5 },
      { seconds: 2 ** 33, nanoseconds: 999_999_999 },
    );
    close(opened);
    const expected = fs.statSync(file, { bigint: true });
    const actual = lstatat(fd, 'f');
    expect(actual).to.include({
      links: 2,
      sizeBytes: 5,
      inode: expected.ino,
      uid: process.getuid?.(),
    });
    expect(actual.mode & 0o777).to.equal(0o640);
    expect(actual.accessTime).to.deep.equal({ seconds: -2, nanoseconds: 5 });
    expect(actual.modificationTime).to.deep.equal({ seconds: 2 ** 33, nanoseconds: 999_999_999 });
  });

  it('write everything, wherever it belongs', () => {
    const file = path.join(folder, 'f');
    fs.writeFileSync(file, '');
    const opened = openat(fd, 'f', O_WRONLY);
    writeAll(opened, Buffer.from('abc'));
    pwriteAll(opened, Buffer.from('xyz'), 5);
    close(opened);
    expect(fs.readFileSync(file, 'latin1')).to.equal('abc\0\0xyz');
  });

  it('make FIFOs, and devices with large numbers', function () {
    mknodat(fd, 'fifo', S_IFIFO | 0o600);
    expect(fs.statSync(path.join(folder, 'fifo')).isFIFO()).to.equal(true);
    if (process.getuid?.() !== 0) this.skip(); // device nodes need root
    const device = { major: 4095, minor: 1_048_575 };
    mknodat(fd, 'device', S_IFBLK | 0o600, device);
    expect(lstatat(fd, 'device').rdev).to.deep.equal(device);
    const shown = execFileSync('stat', ['-c', '%t %T', path.join(folder, 'device')], {
      encoding: 'utf8',
    });
    expect(shown).to.equal('fff fffff\n');
  });

  it('keep extended attributes as bytes', function () {
    const file = path.join(folder, 'f');
    fs.writeFileSync(file, '');
    const opened = openat(fd, 'f', O_WRONLY);
    try {
      fsetxattr(opened, 'user.bytes', Buffer.from([0, 255, 10]));
      fsetxattr(opened, 'user.empty', Buffer.alloc(0));
    } catch (error) {
      if (!(error instanceof SyscallError) || error.code !== 'EOPNOTSUPP') throw error;
      this.skip(); // the temporary directory's file system has no user attributes
    } finally {
      close(opened);
    }
    expect(llistxattr(file)).to.include.members(['user.bytes', 'user.empty']);
    expect([...lgetxattr(file, 'user.bytes')]).to.deep.equal([0, 255, 10]);
    expect(lgetxattr(file, 'user.empty')).to.have.length(0);
    expect(() => lgetxattr(file, 'user.absent')).to.throw('ENODATA');
  });
});
