/** containerd-lite with its root on a btrfs: images as subvolumes. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { run, runOk } from '../harness/command.ts';
import { needPeers, needRoot, skip } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { waitFor } from '../harness/wait.ts';
import { ContainerdLite } from './containerd-lite.ts';

const btrfs = ['--snapshotter', 'btrfs'];

describe('the btrfs snapshotter', () => {
  const containerd = new ContainerdLite();
  const root = path.join(containerd.folder, 'root');
  const snapshots = path.join(root, 'io.containerd.snapshotter.v1.btrfs/snapshots');
  let busybox: string;

  before(async function () {
    needRoot(this);
    needPeers(this, 'ctr', 'containerd-shim-runc-v2', 'runc', 'mkfs.btrfs');
    if (!/\bbtrfs\b/.test(fs.readFileSync('/proc/filesystems', 'utf8'))) {
      skip(this, 'this kernel has no btrfs', { allowedInCi: true });
    }
    const image = path.join(containerd.folder, 'image');
    fs.writeFileSync(image, '');
    fs.truncateSync(image, 512 * 1024 * 1024);
    await runOk('mkfs.btrfs', ['-q', image]);
    fs.mkdirSync(root);
    if ((await run('mount', ['-o', 'loop', image, root])).status !== 0) {
      skip(this, 'no loop device for a btrfs', { allowedInCi: true });
    }
    busybox = `${await devRegistry(this)}/busybox:latest`;
    await containerd.start();
  });

  after(async () => {
    await containerd.end('SIGTERM');
    await run('umount', [root]);
    await containerd.remove();
  });

  it('is offered, pulls, runs and packs what a container has changed', async () => {
    expect(await containerd.ctrOk('plugins', 'ls', 'id==btrfs')).to.match(/btrfs .* ok/);
    await containerd.ctrOk('images', 'pull', '--plain-http', ...btrfs, busybox);
    const runc = ['--runtime', 'io.containerd.runc.v2'];
    const script = 'echo changed >/etc/passwd; rm /bin/ls; mkdir /made; ls / 2>&1 | head -1';
    const command = ['sh', '-c', script];
    await containerd.ctrOk('run', ...btrfs, ...runc, busybox, 'on-btrfs', ...command);
    const layer = path.join(containerd.folder, 'layer.tar');
    const ctr = ['ctr', '-a', containerd.address, '-n', containerd.namespace];
    const diff = ['snapshots', ...btrfs, 'diff', 'on-btrfs'];
    await runOk('sh', ['-c', `${[...ctr, ...diff].join(' ')} | gunzip >${layer}`]);
    const names = (await runOk('tar', ['-tf', layer])).stdout.split('\n');
    expect(names).to.include.members(['bin/', 'bin/.wh.ls', 'etc/', 'etc/passwd', 'made/']);
    expect(names.filter((name) => name.startsWith('bin/'))).to.deep.equal(['bin/', 'bin/.wh.ls']);
    const usage = await containerd.ctrOk('snapshots', ...btrfs, 'usage', '-b', 'on-btrfs');
    expect(Number(/^on-btrfs +(\d+)/m.exec(usage)?.[1])).to.be.below(500_000);
    await containerd.ctrOk('containers', 'rm', 'on-btrfs');
    expect(containerd.leftovers().filter((line) => !line.includes(' btrfs '))).to.deep.equal([]);
  });

  it('leaves no subvolume behind when the image is gone', async () => {
    await containerd.ctrOk('images', 'rm', '--sync', busybox);
    await waitFor('the subvolumes to go', () => fs.readdirSync(snapshots).length === 0);
  });
});
