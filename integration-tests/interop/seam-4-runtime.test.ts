/** Seam 4, runc's command line: our runtime under shims and engines made for runc, and other runtimes under our shim. */
import { executablePath } from '#lib/installation/installation';
import { findPeer, needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { RealPodman } from '../harness/real-podman.ts';
import { busyboxReference, loadBusybox } from './busybox.ts';
import { describeCtrCell, startRealContainerd } from './ctr-cell.ts';
import { DockerClient } from './docker-client.ts';
import { describeLifecycle } from './lifecycle-suite.ts';
import { startWithRenamedShim } from './renamed-shim.ts';

const runtime = executablePath('runtime');
const runcShim = ['--runtime', 'io.containerd.runc.v2', '--runc-binary'];

/** crun refuses a machine that has both versions of cgroups mounted: it runs where the second is not to be seen. */
const withoutUnifiedHierarchy = [
  ...['unshare', '--mount', 'sh', '-c'],
  'if [ -d /sys/fs/cgroup/unified ]; then umount /sys/fs/cgroup/unified; fi; exec "$@"',
  'sh',
];

describe("seam 4: runc's command line", () => {
  describeCtrCell('a container of containerd-shim-runc-v2 and our runtime', {
    peers: ['containerd', 'containerd-shim-runc-v2'],
    start: startRealContainerd,
    runFlags: [...runcShim, runtime],
  });

  describe('with a real dockerd', () => {
    let peers: RealDocker | undefined;

    after(async () => peers?.stop());

    describeLifecycle('dockerd with our runtime', async (context) => {
      needRoot(context);
      needPeers(context, 'docker', 'dockerd', 'containerd', 'ip', 'iptables', 'skopeo');
      peers = await RealDocker.start({
        ownNetns: true,
        arguments: ['--add-runtime', `lite=${runtime}`],
      });
      return new DockerClient({
        command: ['docker', '-H', peers.host],
        image: await loadBusybox(context, peers),
        runFlags: ['--runtime', 'lite'],
        folders: [peers.root],
      });
    });
  });

  describe('with podman', () => {
    let podman: RealPodman | undefined;

    after(async () => podman?.stop());

    describeLifecycle('podman with our runtime', async (context) => {
      needRoot(context);
      needPeers(context, 'podman');
      const image = await busyboxReference(context);
      podman = new RealPodman(runtime);
      await podman.ok('pull', '--tls-verify=false', image);
      const { command, root, runFlags } = podman;
      return new DockerClient({
        command,
        image,
        runFlags: ['--network', 'none', ...runFlags],
        // With runc as well: conmon 2.1 leaves its report in the working directory, attach always ends with 0.
        lacks: ['oom report', 'attach status'],
        folders: [root],
      });
    });
  });

  describeCtrCell('a container of our shim and crun', {
    peers: ['containerd', 'crun', 'unshare'],
    start: () => startWithRenamedShim({ prefix: withoutUnifiedHierarchy }),
    runFlags: [...runcShim, findPeer('crun') ?? 'crun'],
  });
});
