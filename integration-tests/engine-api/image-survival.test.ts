/** What a user owns is not collected, over each containerd: files of stopped containers, images without a name. */
import { expect } from 'chai';
import { checked, run } from '../harness/command.ts';
import { needPeers } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { containerdPeers, type RunningPeer } from './containerd-peers.ts';

for (const { name, start } of containerdPeers) {
  describe(`what users own over ${name}`, function () {
    this.timeout(120_000);
    let peer: RunningPeer | undefined;
    let busybox: string;

    const docker = (...args: string[]) => run('docker', ['-H', peer?.stack.host ?? '', ...args]);
    const { ok } = checked(docker);
    /** Waits for the collector, which runs before the answer comes. */
    const collect = async (): Promise<void> => {
      await peer?.ctr('leases', 'create', '--id', 'collect');
      await peer?.ctr('leases', 'delete', '--sync', 'collect');
    };

    before(async function () {
      this.timeout(600_000);
      needPeers(this, 'ctr', 'docker');
      busybox = `${await devRegistry(this)}/busybox`;
      peer = await start(this);
    });
    after(() => peer?.stop());

    it('stays while a stopped container has it, though its image has lost its name', async () => {
      await ok('pull', '-q', busybox);
      const id = await ok('inspect', '-f', '{{.Id}}', busybox);
      const script = 'cat /mine 2>/dev/null; echo kept >/mine; ls /bin/busybox';
      await ok('create', '--name', 'owner', busybox, 'sh', '-c', script);
      expect(await ok('start', '-a', 'owner')).to.equal('/bin/busybox');
      await ok('rmi', '-f', busybox);
      await collect();
      await peer?.restart();
      await collect();
      expect(await ok('start', '-a', 'owner')).to.equal('kept\n/bin/busybox');
      expect(await ok('inspect', '-f', '{{.Image}}', 'owner')).to.equal(id);
      expect(await ok('commit', 'owner', 'owned:1')).to.match(/^sha256:/);
      expect(await ok('run', '--rm', 'owned:1', 'cat', '/mine')).to.equal('kept');
      await ok('rm', 'owner');
      await ok('rmi', 'owned:1');
    });

    it('stays when another image takes its name', async () => {
      await ok('pull', '-q', busybox);
      const id = await ok('inspect', '-f', '{{.Id}}', busybox);
      await ok('create', '--name', 'owner', busybox, 'cat', '/bin/busybox');
      await ok('commit', '-m', 'other', 'owner', 'other:1');
      await ok('tag', 'other:1', busybox);
      await collect();
      expect(await ok('inspect', '-f', '{{.Id}}', id)).to.equal(id);
      expect(await ok('images', '-q', '--no-trunc', '-f', 'dangling=true')).to.equal(id);
      expect((await docker('image', 'prune', '-f')).stdout).to.contain('0B');
      expect((await docker('start', '-a', 'owner')).status).to.equal(0);
      await ok('rm', 'owner');
      expect(await ok('image', 'prune', '-f')).to.contain(id);
      await ok('rmi', 'other:1', busybox);
    });

    it('is all that stays: nothing is left of images that are gone', async () => {
      const left = async () => [
        await peer?.ctr('content', 'ls', '-q'),
        await peer?.ctr('leases', 'ls', '-q'),
      ];
      await collect();
      const before = await left();
      await ok('pull', '-q', busybox);
      await ok('rmi', busybox);
      expect(await left()).to.deep.equal(before);
    });
  });
}
