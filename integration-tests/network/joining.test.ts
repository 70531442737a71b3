/** What must not come of joining a network: half a join, or a place in a network that is gone. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { runOk } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import { ControlledNetworks } from './controlled-networks.ts';
import { TestNamespace } from './test-namespace.ts';

describe('joining a network', () => {
  it('leaves nothing when it cannot be recorded', async function () {
    needRoot(this);
    needPeers(this, 'ip', 'nft', 'nsenter');
    const machine = await TestNamespace.create();
    const networks = new ControlledNetworks(machine);
    try {
      await networks.start();
      const subnet = { subnet: '10.215.0.0/24' };
      const options = { 'com.docker.network.bridge.name': 'br-backend' };
      const request = {
        name: 'backend',
        driver: 'bridge',
        ipv6: false,
        internal: false,
        attachable: false,
        subnet,
      };
      await networks.call('create', { ...request, options, labels: {} });
      const { sandboxKey } = await networks.setUp('web', { mode: 'bridge' });
      const links = (): Promise<string> =>
        machine.ok('ip', '-br', 'link', 'show', 'type', 'veth', 'master', 'br-backend');
      const before = await links();
      const records = path.join(networks.root, 'exec/network');
      fs.renameSync(records, `${records}.away`);
      const endpoint = { network: 'backend', names: ['web'], aliases: [] };
      const failure = await networks
        .call('connect', 'web', endpoint)
        .catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(Error);
      fs.renameSync(`${records}.away`, records);
      const show = ['-o', 'link', 'show', 'type', 'veth'];
      const inside = await runOk('nsenter', [`--net=${sandboxKey}`, '--', 'ip', ...show]);
      expect(inside.stdout.trim().split('\n')).to.have.lengthOf(1);
      expect(await links()).to.equal(before);
      const joined = (await networks.call('connect', 'web', endpoint)) as { ipAddress: string };
      expect(joined.ipAddress).to.equal('10.215.0.2');
      await networks.call('tearDown', 'web');
      await networks.stop();
    } finally {
      await networks.remove();
      await machine.remove();
    }
  });

  it('and its removal at the same time end with the one or the other', async function () {
    needRoot(this);
    const image = `${await devRegistry(this)}/busybox`;
    const stack = await sharedStack();
    await stack.engineOk('pull', image);
    await stack.engineOk('run', '-d', '--name', 'joins', image, 'sleep', '600');
    try {
      for (let round = 0; round < 8; round++) {
        await stack.engineOk('network', 'create', 'brief');
        const [joined, removed] = await Promise.all([
          stack.engine('network', 'connect', 'brief', 'joins'),
          stack.engine('network', 'rm', 'brief'),
        ]);
        expect([joined.status === 0, removed.status === 0]).to.have.members([true, false]);
        const links = await stack.engineOk('exec', 'joins', 'ip', '-o', 'link');
        expect(links.includes('eth1')).to.equal(joined.status === 0);
        if (joined.status === 0) {
          expect(removed.stderr).to.contain('has active endpoints');
          await stack.engineOk('network', 'disconnect', 'brief', 'joins');
          await stack.engineOk('network', 'rm', 'brief');
        }
      }
    } finally {
      await stack.engineOk('rm', '-f', 'joins');
    }
  });
});
