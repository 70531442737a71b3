/** Seam 1, the Docker Engine API: real docker clients on engined, and `engine` on a real dockerd. */
import fs from 'node:fs';
import { executablePath } from '#lib/installation/installation';
import { needPeers, needRoot, skip } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import { busyboxReference, loadBusybox } from './busybox.ts';
import { DockerClient } from './docker-client.ts';
import { describeLifecycle } from './lifecycle-suite.ts';

/** Debian's own package, and a current one beside it. */
const dockers = ['/usr/bin/docker', '/usr/local/bin/docker'];

describe('seam 1: the Docker Engine API', () => {
  for (const docker of dockers) {
    describeLifecycle(`${docker} on engined`, async (context) => {
      needRoot(context);
      if (!fs.existsSync(docker)) skip(context, `needs ${docker}`, { allowedInCi: true });
      const stack = await sharedStack();
      const image = await busyboxReference(context);
      await stack.engineOk('pull', image);
      const command = [docker, '-H', stack.host];
      return new DockerClient({ command, image });
    });
  }

  describe('with a real dockerd', () => {
    let peers: RealDocker | undefined;

    after(async () => peers?.stop());

    describeLifecycle('engine on dockerd', async (context) => {
      needRoot(context);
      needPeers(context, 'docker', 'dockerd', 'containerd', 'runc', 'ip', 'iptables', 'skopeo');
      peers = await RealDocker.start({ ownNetns: true });
      return new DockerClient({
        command: [executablePath('engine'), '-H', peers.host],
        image: await loadBusybox(context, peers),
        folders: [peers.root],
      });
    });
  });
});
