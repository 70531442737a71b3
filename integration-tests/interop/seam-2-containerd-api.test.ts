/** Seam 2, containerd's API: ctr and a real dockerd on containerd-lite, engined on a real containerd. */
import { ContainerdLite } from '../containerd/containerd-lite.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { Stack } from '../harness/stack.ts';
import { busyboxReference, loadBusybox } from './busybox.ts';
import { describeCtrCell, startContainerdLite } from './ctr-cell.ts';
import { DockerClient } from './docker-client.ts';
import { describeLifecycle } from './lifecycle-suite.ts';
import { describeSurvival } from './survival-suite.ts';

describe('seam 2: the API of containerd', () => {
  describeCtrCell('a container of containerd-lite, our shim and our runtime', {
    peers: [],
    start: startContainerdLite,
    runFlags: ['--runtime', 'io.containerd.lite.v2'],
    survival: true,
  });

  describe('with a real dockerd', () => {
    let containerd: ContainerdLite | undefined;
    let docker: RealDocker | undefined;
    let client: DockerClient;

    before(async function () {
      this.timeout(60_000);
      needRoot(this);
      needPeers(this, 'docker', 'dockerd', 'containerd-shim-runc-v2', 'runc', 'ip', 'iptables');
      containerd = new ContainerdLite();
      await containerd.start();
      const { address } = containerd;
      docker = await RealDocker.start({
        ownNetns: true,
        containerd: address,
        arguments: ['--live-restore'],
      });
      client = new DockerClient({
        command: ['docker', '-H', docker.host],
        image: await loadBusybox(this, docker),
        folders: [docker.root, `${containerd.folder}/state`],
      });
    });

    after(async () => {
      await docker?.stop();
      await containerd?.remove();
    });

    describeLifecycle('dockerd on containerd-lite', async () => client);
    describeSurvival('dockerd on containerd-lite', () => client, {
      'containerd-lite': async () => {
        await containerd?.end('SIGKILL');
        await containerd?.start();
      },
      dockerd: async () => {
        await docker?.end('dockerd', 'SIGKILL');
        await docker?.startDockerd();
      },
    });
  });

  describe('with a real containerd', () => {
    let peers: RealDocker | undefined;
    let stack: Stack | undefined;
    let client: DockerClient;

    before(async function () {
      this.timeout(60_000);
      needRoot(this);
      needPeers(this, 'docker', 'containerd', 'containerd-shim-runc-v2', 'runc');
      const image = await busyboxReference(this);
      peers = await RealDocker.start({ containerdOnly: true });
      stack = await Stack.start({ arguments: ['--containerd', peers.containerdAddress] });
      await stack.engineOk('pull', image);
      client = new DockerClient({
        command: ['docker', '-H', stack.host],
        image,
        folders: [peers.root],
      });
    });

    after(async () => {
      await stack?.stop();
      await peers?.stop();
    });

    describeLifecycle('engined on containerd', async () => client);
    describeSurvival('engined on containerd', () => client, {
      containerd: async () => {
        await peers?.end('containerd', 'SIGKILL');
        await peers?.startContainerd();
      },
      engined: async () => {
        await stack?.endEngined('SIGKILL');
        await stack?.startEngined();
      },
    });
  });
});
