import fs from 'node:fs';
import { expect } from 'chai';
import { needPeers, needRoot } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { ControlledNetworks } from './controlled-networks.ts';
import { canPing, TestNamespace } from './test-namespace.ts';

describe('networks after a SIGKILL of engined', function () {
  let machine: TestNamespace;
  let networks: ControlledNetworks;

  beforeEach(async function () {
    needRoot(this);
    needPeers(this, 'ip', 'nft', 'ping', 'nsenter');
    machine = await TestNamespace.create();
    networks = new ControlledNetworks(machine);
  });

  afterEach(async () => {
    await networks.remove();
    await machine.remove();
  });

  it('work on, are found again, and what belongs to no container is removed', async () => {
    const before = await machine.state();
    await networks.start();
    const kept = await networks.setUp('kept', { mode: 'bridge' });
    const gone = await networks.setUp('gone', { mode: 'bridge' });
    await networks.kill();
    expect(await canPing(kept.sandboxKey, kept.gateway), 'while it is down').to.be.true;

    expect(await networks.start(['kept', 'never-seen'])).to.deep.equal([kept]);
    expect(await canPing(kept.sandboxKey, kept.gateway), 'after the restart').to.be.true;
    expect(fs.existsSync(gone.sandboxKey)).to.be.false;
    const next = await networks.setUp('next', { mode: 'bridge' });
    expect(next.ipAddress).not.to.equal(kept.ipAddress);
    expect(next.networkId).to.equal(kept.networkId);

    await networks.call('tearDown', 'kept');
    await networks.call('tearDown', 'next');
    await networks.stop();
    expect(await machine.state()).to.equal(before);
    expect(fs.readFileSync('/proc/self/mounts', 'utf8')).not.to.contain(networks.root);
  });

  it('come back with the same subnet, and a clean stop removes the bridge of the killed run', async () => {
    await networks.start();
    const { gateway } = await networks.setUp('web', { mode: 'bridge' });
    await networks.kill();
    await networks.start();
    expect((await networks.setUp('web', { mode: 'bridge' })).gateway).to.equal(gateway);
    await networks.call('tearDown', 'web');
    await networks.stop();
    expect(await machine.ok('ip', '-br', 'link')).not.to.contain('engine0');
  });

  it('of two engines on one machine do not disturb each other', async () => {
    const other = new ControlledNetworks(machine, { bridge: 'engine1' });
    try {
      await Promise.all([networks.start(), other.start()]);
      const [one, two] = await Promise.all([
        networks.setUp('web', { mode: 'bridge' }),
        other.setUp('web', { mode: 'bridge' }),
      ]);
      expect(one.gateway).not.to.equal(two.gateway);
      expect(await canPing(one.sandboxKey, two.ipAddress), 'from one engine to the other').to.be
        .false;
      await networks.kill();
      await networks.start();
      await networks.stop();
      expect(await canPing(two.sandboxKey, two.gateway)).to.be.true;
      expect(await machine.ok('nft', 'list', 'tables')).to.equal('table ip engined_engine1\n');
      await other.call('tearDown', 'web');
      await other.stop();
      await waitFor(
        'both bridges to go',
        async () => !(await machine.ok('ip', '-br', 'link')).includes('engine'),
      );
    } finally {
      await other.remove();
    }
  });
});
