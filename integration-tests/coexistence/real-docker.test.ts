/** Our default bridge beside a real dockerd on the same machine, whichever started first. */
import { expect } from 'chai';
import { HostNetwork } from '../harness/host-network.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { Stack } from '../harness/stack.ts';

describe('beside a real dockerd', () => {
  const cleanups: (() => Promise<void>)[] = [];
  let network: HostNetwork;
  let busybox: string;

  before(async function () {
    needRoot(this);
    needPeers(this, 'docker', 'dockerd', 'containerd', 'ip', 'docker-registry', 'skopeo');
    this.timeout(600_000);
    network = await HostNetwork.create();
    cleanups.push(() => network.remove());
    busybox = `${await network.startRegistry()}/busybox`;
  });

  after(async function () {
    this.timeout(60_000);
    for (const cleanup of cleanups.reverse()) await cleanup();
  });

  /** Containers of both reach their gateway and the outside world. */
  async function expectBothConnected(docker: RealDocker, stack: Stack): Promise<void> {
    const script = `ping -c 1 -W 2 $(ip route | awk '/default/ {print $3}') && ping -c 1 -W 2 ${network.outsideAddress}`;
    await stack.engineOk('pull', '-q', busybox);
    await docker.dockerOk('pull', '-q', busybox);
    const ours = await stack.engineOk('run', '--rm', busybox, 'sh', '-c', script);
    const theirs = await docker.dockerOk('run', '--rm', busybox, 'sh', '-c', script);
    for (const output of [ours, theirs]) {
      expect(output.match(/1 packets received/g)).to.have.lengthOf(2);
    }
  }

  it('containers reach gateway and outside when dockerd was there first', async function () {
    this.timeout(120_000);
    const docker = await RealDocker.start({ netns: network.name });
    try {
      const stack = await Stack.start({ netns: network.name });
      try {
        await expectBothConnected(docker, stack);
      } finally {
        await stack.stop();
      }
      expect(
        await docker.dockerOk(
          'run',
          '--rm',
          busybox,
          'ping',
          '-c',
          '1',
          '-W',
          '2',
          network.outsideAddress,
        ),
      ).to.contain('1 packets received');
    } finally {
      await docker.stop();
    }
  });

  it('containers reach gateway and outside when engined was there first', async function () {
    this.timeout(120_000);
    const stack = await Stack.start({ netns: network.name });
    try {
      const docker = await RealDocker.start({ netns: network.name });
      try {
        await expectBothConnected(docker, stack);
      } finally {
        await docker.stop();
      }
    } finally {
      await stack.stop();
    }
  });
});
