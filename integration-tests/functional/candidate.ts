/** Daemons that the checks are put to: each in a network of its own, with a registry on its loopback. */
import { expect } from 'chai';
import { ContainerdLite } from '../containerd/containerd-lite.ts';
import { HostNetwork } from '../harness/host-network.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { Stack } from '../harness/stack.ts';
import { perform, type Candidate } from './check.ts';

/** The peers that {@link startCandidate} needs. */
export const candidatePeers = [
  ...(['docker', 'dockerd', 'containerd', 'containerd-shim-runc-v2', 'runc', 'ip'] as const),
  ...(['iptables', 'script', 'curl', 'docker-registry', 'skopeo', 'debootstrap'] as const),
];

export type Cell =
  'dockerd' | 'engined' | 'engined over a real containerd' | 'dockerd over containerd-lite';

/** Starts it and pulls the image. `ends` is given what undoes it all, in the order in which it was done. */
export async function startCandidate(
  cell: Cell,
  ends: (() => Promise<unknown>)[],
): Promise<Candidate> {
  const network = await HostNetwork.create();
  ends.push(() => network.remove());
  const image = `${await network.startRegistry()}/busybox:latest`;
  const candidate = { network, image, host: await startDaemon(cell, network.name, ends) };
  const pulled = await perform({ name: 'pull', script: 'docker pull $IMAGE' }, candidate);
  expect(pulled.passed, pulled.text).to.equal(true);
  return candidate;
}

/** Resolves to its DOCKER_HOST. */
async function startDaemon(
  cell: Cell,
  netns: string,
  ends: (() => Promise<unknown>)[],
): Promise<string> {
  const startDocker = async (options = {}): Promise<RealDocker> => {
    const docker = await RealDocker.start({ netns, ...options });
    ends.push(() => docker.stop());
    return docker;
  };
  const startEngined = async (args: readonly string[] = []): Promise<Stack> => {
    const stack = await Stack.start({ netns, arguments: args });
    ends.push(() => stack.stop());
    return stack;
  };
  switch (cell) {
    case 'dockerd':
      return (await startDocker()).host;
    case 'engined':
      return (await startEngined()).host;
    case 'engined over a real containerd': {
      const { containerdAddress } = await startDocker({ containerdOnly: true });
      return (await startEngined(['--containerd', containerdAddress])).host;
    }
    case 'dockerd over containerd-lite': {
      const containerd = new ContainerdLite();
      ends.push(() => containerd.remove());
      await containerd.start();
      return (await startDocker({ containerd: containerd.address })).host;
    }
  }
}
