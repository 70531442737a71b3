/** Seam 4, runc's command line: our runtime under shims and engines made for runc, and other runtimes under our shim. */
import type { Context } from 'mocha';
import { executablePath } from '#lib/installation/installation';
import { findPeer, needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker, type RealDockerOptions } from '../harness/real-docker.ts';
import { RealPodman } from '../harness/real-podman.ts';
import { busyboxReference, loadBusybox } from './busybox.ts';
import { describeCtrCell, startRealContainerd } from './ctr-cell.ts';
import { DockerClient } from './docker-client.ts';
import { describeLifecycle } from './lifecycle-suite.ts';
import { RemappedUsers, remappedUser } from './remapped-users.ts';
import { startWithRenamedShim } from './renamed-shim.ts';
import { describeRuntimeUse, describeUserNamespace } from './runtime-suite.ts';

const runtime = executablePath('runtime');
const runcShim = ['--runtime', 'io.containerd.runc.v2', '--runc-binary'];

const idMap = '0:100000:65536';

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
    runtimeUse: true,
  });

  describe('with a real dockerd', () => {
    let peers: RealDocker | undefined;
    let client: DockerClient;

    before(async function () {
      this.timeout(60_000);
      peers = await startDockerd(this);
      client = await dockerClient(this, peers);
    });

    after(async () => peers?.stop());

    describeLifecycle('dockerd with our runtime', async () => client);
    describeRuntimeUse('dockerd with our runtime', () => client);
  });

  describe('with a real dockerd that has a user namespace', () => {
    let users: RemappedUsers | undefined;
    let peers: RealDocker | undefined;
    let client: DockerClient;

    before(async function () {
      this.timeout(60_000);
      needRoot(this);
      users = await RemappedUsers.create();
      const remap = ['--userns-remap', remappedUser];
      peers = await startDockerd(this, { prefix: users.prefix, arguments: remap });
      client = await dockerClient(this, peers);
    });

    after(async () => {
      await peers?.stop();
      users?.remove();
    });

    describeUserNamespace('dockerd with our runtime', () => client);
  });

  describe('with podman', () => {
    let podman: RealPodman | undefined;
    let client: DockerClient;

    before(async function () {
      this.timeout(60_000);
      needRoot(this);
      needPeers(this, 'podman');
      const image = await busyboxReference(this);
      podman = new RealPodman(runtime);
      await podman.ok('pull', '--tls-verify=false', image);
      const { command, root, runFlags } = podman;
      client = new DockerClient({
        command,
        image,
        runFlags: ['--network', 'none', ...runFlags],
        // With runc as well: conmon 2.1 leaves its report in the working directory, attach always ends with 0.
        lacks: ['oom report', 'attach status'],
        folders: [root],
        userNamespaceFlags: ['--uidmap', idMap, '--gidmap', idMap],
        health: 'command', // by itself it looks only where systemd runs
      });
    });

    after(async () => podman?.stop());

    describeLifecycle('podman with our runtime', async () => client);
    describeRuntimeUse('podman with our runtime', () => client);
    describeUserNamespace('podman with our runtime', () => client);
  });

  describeCtrCell('a container of our shim and crun', {
    peers: ['containerd', 'crun', 'unshare'],
    start: () => startWithRenamedShim({ prefix: withoutUnifiedHierarchy }),
    runFlags: [...runcShim, findPeer('crun') ?? 'crun'],
  });
});

/** A dockerd that knows our runtime as `lite`. */
function startDockerd(context: Context, options: RealDockerOptions = {}): Promise<RealDocker> {
  needRoot(context);
  needPeers(context, 'docker', 'dockerd', 'containerd', 'ip', 'iptables', 'skopeo');
  const { arguments: more = [] } = options;
  const addRuntime = ['--add-runtime', `lite=${runtime}`];
  return RealDocker.start({ ...options, ownNetns: true, arguments: [...addRuntime, ...more] });
}

async function dockerClient(context: Context, peers: RealDocker): Promise<DockerClient> {
  return new DockerClient({
    command: ['docker', '-H', peers.host],
    image: await loadBusybox(context, peers),
    runFlags: ['--runtime', 'lite'],
    folders: [peers.root],
  });
}
