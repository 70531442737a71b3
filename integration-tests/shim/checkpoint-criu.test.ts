/** Saving a container and continuing it with a real criu: our runtime under our shim, with either daemon. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { expect } from 'chai';
import { packAny } from '#proto/any';
import { CheckpointOptions } from '#proto/generated/containerd.runc.v1';
import { needPeers, needRoot, skip } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { RealContainerd } from './real-containerd.ts';

/** Counts in memory, so that only what was saved can go on. */
const counting = [
  'sh',
  '-c',
  'i=0; while [ ! -e /stop ]; do i=$((i+1)); echo $i; usleep 20000; done; exit 5',
];

for (const daemon of ['containerd', 'containerd-lite'] as const) {
  describe(`a checkpoint by ${daemon}, our shim, our runtime and criu`, function () {
    let containerd: RealContainerd;

    this.beforeAll(async function () {
      needRoot(this);
      needPeers(this, 'containerd', 'busybox', 'criu');
      const { status, stderr } = spawnSync('criu', ['check'], { encoding: 'utf8' });
      if (status !== 0) skip(this, `needs a criu that works on this kernel: ${stderr}`);
      containerd = new RealContainerd({ daemon, binary: '' });
      await containerd.start();
    });
    this.afterAll(async () => containerd.stop());

    const last = (output: string) => Number(output.trim().split('\n').at(-1));

    it('is stored, the container runs on, and another task goes on where it was', async () => {
      const { tasks, content, leases } = containerd.client;
      const { stdio } = await containerd.create('saved', { args: counting });
      await tasks.start({ containerId: 'saved' });
      await waitFor('a few numbers', () => last(stdio.stdout) > 5);
      await leases.create({ id: 'saved' });
      const { descriptors } = await tasks.checkpoint({ containerId: 'saved' }, { lease: 'saved' });
      const saved = last(stdio.stdout);
      await waitFor('it runs on', () => last(stdio.stdout) > saved + 5);
      const [checkpoint] = descriptors;
      expect(checkpoint?.mediaType).to.equal(
        'application/vnd.containerd.container.criu.checkpoint.criu.tar',
      );
      const { info } = await content.info({ digest: checkpoint?.digest ?? '' });
      expect(info?.size).to.equal(checkpoint?.size);
      await containerd.remove('saved');

      const again = await containerd.create('again', {
        args: counting,
        ...(checkpoint && { checkpoint }),
      });
      const { pid } = await tasks.start({ containerId: 'again' });
      await waitFor('it goes on', () => last(again.stdio.stdout) > saved + 5);
      expect(Number(again.stdio.stdout.split('\n')[0])).to.be.greaterThan(5);
      expect((await tasks.get({ containerId: 'again' })).process).to.include({
        status: 'RUNNING',
        pid,
      });
      fs.writeFileSync(`/proc/${pid}/root/stop`, '');
      expect((await tasks.wait({ containerId: 'again' })).exitStatus).to.equal(5);
      await containerd.remove('again');
      await again.stdio.ended;
      const numbers = again.stdio.stdout.trim().split('\n').map(Number);
      expect(numbers).to.deep.equal(numbers.map((_, index) => (numbers[0] ?? 0) + index));
      await leases.delete({ id: 'saved' });
    });

    it('ends the container where it was asked to, and leaves nothing behind', async () => {
      const { tasks } = containerd.client;
      const { stdio, pid } = await containerd.create('ended', { args: counting });
      await tasks.start({ containerId: 'ended' });
      await waitFor('a few numbers', () => last(stdio.stdout) > 5);
      const options = packAny(CheckpointOptions, { exit: true });
      await tasks.checkpoint({ containerId: 'ended', options });
      expect((await tasks.wait({ containerId: 'ended' })).exitStatus).to.equal(137);
      expect(fs.existsSync(`/proc/${pid}`)).to.equal(false);
      await containerd.remove('ended');
    });
  });
}
