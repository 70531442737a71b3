/** dockerd of two generations on containerd-lite, with images of its own and with those of containerd. */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { ContainerdLite } from '../containerd/containerd-lite.ts';
import { runOk } from '../harness/command.ts';
import { newerPeers } from '../harness/newer-peers.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { startRegistry, type Registry } from '../harness/registry.ts';
import { waitFor } from '../harness/wait.ts';

interface Cell {
  title: string;
  newer: boolean;
  imagesInContainerd: boolean;
}

const cells: readonly Cell[] = [
  { title: 'Debian 12’s dockerd', newer: false, imagesInContainerd: false },
  { title: 'Debian 13’s dockerd', newer: true, imagesInContainerd: false },
  { title: 'Debian 13’s dockerd with images in containerd', newer: true, imagesInContainerd: true },
];

describe('seam 2: dockerd on containerd-lite, from pull to removal', () => {
  const netns = `r${randomBytes(4).toString('hex')}`;
  let registry: Registry | undefined;

  before(async function () {
    this.timeout(600_000); // the first start of a registry on a machine runs debootstrap
    needRoot(this);
    needPeers(this, 'docker', 'dockerd', 'containerd-shim-runc-v2', 'runc', 'ip', 'nsenter');
    await runOk('ip', ['netns', 'add', netns]);
    await runOk('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
    registry = await startRegistry(netns);
  });
  after(async () => {
    if (!registry) return;
    await registry.stop();
    await runOk('ip', ['netns', 'del', netns]);
  });

  for (const { title, newer, imagesInContainerd } of cells) {
    describe(title, function () {
      this.timeout(60_000);
      let containerd: ContainerdLite | undefined;
      let docker: RealDocker;
      let image: string;

      before(async function () {
        const shimFolders = newer ? await newerPeers(this) : [];
        const lite = new ContainerdLite();
        containerd = lite;
        await lite.start();
        docker = await RealDocker.start({
          netns,
          shimFolders,
          imagesInContainerd,
          containerd: lite.address,
          arguments: ['--live-restore', '--bridge', 'none', '--iptables=false'],
        });
        image = `${registry?.address ?? ''}/busybox:latest`;
      });
      after(async () => {
        if (!containerd) return;
        await docker.stop();
        await containerd.remove();
      });

      const runDetached = (name: string) =>
        docker.dockerOk('run', '-d', '--network', 'none', '--name', name, image, 'sleep', '1000');

      it('is the one that was asked for', async () => {
        const format = ['info', '-f', '{{.ServerVersion}} {{.Driver}}'];
        const [version = '', driver] = (await docker.dockerOk(...format)).split(' ');
        expect(Number.parseInt(version, 10) > 20).to.equal(newer);
        expect(driver).to.equal(imagesInContainerd ? 'overlayfs' : 'overlay2');
      });

      it('pulls, runs and commits', async () => {
        await docker.dockerOk('pull', '-q', image);
        const run = ['run', '--network', 'none', '--name', 'first', image];
        const first = await docker.docker([...run, 'sh', '-c', 'echo hi; echo new >/file; exit 7']);
        expect(first).to.include({ status: 7, stdout: 'hi\n' });
        await docker.dockerOk('commit', 'first', 'committed:1');
        const second = ['run', '--rm', '--network', 'none', 'committed:1', 'cat', '/file'];
        expect(await docker.dockerOk(...second)).to.equal('new');
        await docker.dockerOk('rm', 'first');
        await docker.dockerOk('rmi', 'committed:1');
      });

      it('executes and stops', async () => {
        await runDetached('second');
        const exec = await docker.docker(['exec', 'second', 'sh', '-c', 'echo in; exit 4']);
        expect(exec).to.include({ status: 4, stdout: 'in\n' });
        await docker.dockerOk('stop', '-t', '0', 'second');
        const status = ['inspect', '-f', '{{.State.ExitCode}}', 'second'];
        expect(await docker.dockerOk(...status)).to.equal('137');
        await docker.dockerOk('rm', 'second');
      });

      it('finds its containers after SIGKILL of either daemon', async () => {
        await runDetached('third');
        const alive = async () => {
          await waitFor(
            'exec',
            async () => (await docker.docker(['exec', 'third', 'true'])).status === 0,
          );
        };
        await containerd?.end('SIGKILL');
        await containerd?.start();
        await alive();
        await docker.end('dockerd', 'SIGKILL');
        await docker.startDockerd();
        await alive();
        await docker.dockerOk('rm', '-f', 'third');
      });

      it('leaves nothing of it', async () => {
        await docker.dockerOk('rmi', '-f', image);
        expect(await docker.dockerOk('ps', '-aq')).to.equal('');
        await waitFor('tasks to be gone', () => containerd?.leftovers().length === 0);
      });
    });
  }
});
