import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { subvolumeId } from '#lib/sys/btrfs';
import { BtrfsSnapshotter, liesOnBtrfs } from '../../src/snapshots/btrfs-snapshotter.ts';
import { createTestWorker } from '../test-worker.ts';
import { describeSnapshotter } from './snapshotter-suite.ts';

describe('BtrfsSnapshotter', () => {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'btrfs-'));
  const mountPoint = path.join(scratch, 'mounted');
  let isMounted = false;
  let count = 0;

  before(function () {
    if (process.getuid?.() !== 0) this.skip(); // mounts
    if (!/\bbtrfs\b/.test(fs.readFileSync('/proc/filesystems', 'utf8'))) this.skip();
    const image = path.join(scratch, 'image');
    fs.mkdirSync(mountPoint);
    fs.writeFileSync(image, '');
    fs.truncateSync(image, 256 * 1024 * 1024);
    try {
      execFileSync('mkfs.btrfs', ['-q', image], { stdio: 'ignore' });
      execFileSync('mount', ['-o', 'loop', image, mountPoint], { stdio: 'ignore' });
    } catch {
      this.skip(); // no btrfs-progs, or no loop devices
    }
    isMounted = true;
  });
  after(() => {
    if (isMounted) execFileSync('umount', [mountPoint]);
    fs.rmSync(scratch, { recursive: true });
  });

  let root: string;
  describeSnapshotter('btrfs', {
    create: (_root, worker) => {
      root = path.join(mountPoint, String(++count));
      return new BtrfsSnapshotter(root, worker);
    },
    mount: { type: 'btrfs', options: [/^subvolid=\d+$/] },
    writableFolder: ({ options }) => {
      const folders = fs.readdirSync(path.join(root, 'snapshots'));
      const found = folders
        .map((id) => path.join(root, 'snapshots', id))
        .find((folder) => options.includes(`subvolid=${subvolumeId(folder)}`));
      return found ?? expect.fail('no such subvolume');
    },
  });

  it('is offered only on a btrfs', async () => {
    expect(liesOnBtrfs(path.join(mountPoint, 'new/folder'))).to.equal(true);
    expect(liesOnBtrfs('/proc/self')).to.equal(false);
    const worker = createTestWorker();
    try {
      expect(() => new BtrfsSnapshotter(path.join(scratch, 'elsewhere'), worker)).to.throw(
        'does not lie on a btrfs',
      );
    } finally {
      await worker.close();
    }
  });

  it('measures what is other than in the parent', async () => {
    const worker = createTestWorker();
    try {
      const snapshotter = new BtrfsSnapshotter(path.join(mountPoint, 'measured'), worker);
      const folder = (id: number) => path.join(mountPoint, 'measured/snapshots', String(id));
      await snapshotter.create({ id: 1, parentIds: [], readOnly: false });
      fs.writeFileSync(path.join(folder(1), 'large'), Buffer.alloc(500_000, 1));
      await snapshotter.create({ id: 2, parentIds: [1], readOnly: false });
      fs.writeFileSync(path.join(folder(2), 'small'), Buffer.alloc(10_000, 1));
      const usage = await snapshotter.usage({ id: 2, parentIds: [1], readOnly: false });
      expect(usage.inodes).to.equal(1);
      expect(usage.size).to.be.within(10_000, 20_000);
      await snapshotter.create({ id: 3, parentIds: [2], readOnly: true });
      expect(() => fs.writeFileSync(path.join(folder(3), 'x'), '')).to.throw('EROFS');
    } finally {
      await worker.close();
    }
  });
});
