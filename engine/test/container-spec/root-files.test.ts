import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { SnapshotRootFiles } from '../../src/container-spec/root-files.ts';

describe('SnapshotRootFiles', () => {
  let folder: string;
  const put = (file: string, text: string): void => {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), text);
  };

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'engine-root-'));
    for (const layer of ['upper', 'lower', 'base']) fs.mkdirSync(path.join(folder, layer));
  });

  afterEach(() => fs.rmSync(folder, { recursive: true }));

  const read = (file: string): string | undefined =>
    new SnapshotRootFiles([
      {
        type: 'overlay',
        source: 'overlay',
        options: [
          'index=off',
          `workdir=${folder}/work`,
          `upperdir=${folder}/upper`,
          `lowerdir=${folder}/lower:${folder}/base`,
        ],
      },
    ]).read(file);

  it('sees the uppermost file', () => {
    put('base/etc/passwd', 'base');
    put('lower/etc/passwd', 'lower');
    put('upper/etc/group', 'group');
    expect(read('/etc/passwd')).to.equal('lower');
    expect(read('/etc/group')).to.equal('group');
  });

  it('follows links inside the root only', () => {
    put('base/usr/share/passwd', 'inside');
    fs.mkdirSync(path.join(folder, 'upper/etc'));
    fs.symlinkSync('/usr/share/passwd', path.join(folder, 'upper/etc/passwd'));
    fs.symlinkSync('../../../../usr/share/passwd', path.join(folder, 'upper/etc/group'));
    fs.symlinkSync('/etc/hostname', path.join(folder, 'upper/etc/outside'));
    expect(read('/etc/passwd')).to.equal('inside');
    expect(read('/etc/group')).to.equal('inside');
    expect(read('/etc/outside')).to.equal(undefined);
  });

  it('gives up on links that go round', () => {
    fs.symlinkSync('b', path.join(folder, 'upper/a'));
    fs.symlinkSync('a', path.join(folder, 'upper/b'));
    expect(read('/a')).to.equal(undefined);
  });

  it('does not wait for a FIFO and does not read a folder', () => {
    execFileSync('mkfifo', [path.join(folder, 'upper/fifo')]);
    expect(read('/fifo')).to.equal(undefined);
    expect(read('/')).to.equal(undefined);
  });

  it('does not see what a whiteout hides', function () {
    if (process.getuid?.() !== 0) this.skip(); // device nodes are root's to make
    put('base/etc/passwd', 'base');
    fs.mkdirSync(path.join(folder, 'upper/etc'));
    execFileSync('mknod', [path.join(folder, 'upper/etc/passwd'), 'c', '0', '0']);
    expect(read('/etc/passwd')).to.equal(undefined);
  });
});
