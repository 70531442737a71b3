import { expect } from 'chai';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { waitFor } from '../harness/wait.ts';
import { ControlledNetworks } from './controlled-networks.ts';
import { canPing, TestNamespace } from './test-namespace.ts';

describe('the default bridge beside a real dockerd', function () {
  this.timeout(90_000);
  let machine: TestNamespace;
  let outside: TestNamespace;
  let networks: ControlledNetworks;
  let docker: RealDocker | undefined;

  beforeEach(async function () {
    needRoot(this);
    needPeers(this, 'ip', 'nft', 'ping', 'nsenter', 'iptables', 'dockerd', 'containerd');
    machine = await TestNamespace.create();
    // docker sets its policy to DROP only when it is the one who switches forwarding on.
    await machine.ok('sysctl', '-qw', 'net.ipv4.ip_forward=0');
    outside = await machine.addOutside();
    networks = new ControlledNetworks(machine);
  });

  afterEach(async () => {
    await networks.remove();
    await docker?.stop();
    docker = undefined;
    await outside.remove();
    await machine.remove();
  });

  it('works when docker was there first, and is gone from its chains afterwards', async () => {
    docker = await RealDocker.start({ netns: machine.name });
    const before = await machine.state();
    await networks.start();
    const { sandboxKey } = await expectWorking();
    // Packets between ports of a bridge pass FORWARD as well where bridge-nf-call-iptables is set.
    const db = await networks.setUp('db', { mode: 'bridge' });
    expect(await canPing(sandboxKey, db.ipAddress), 'each other').to.be.true;
    await networks.call('tearDown', 'db');
    expect(await machine.ok('iptables', '-S', 'FORWARD')).to.contain('-i engine0');
    const { foreignFilters } = await networks.info();
    expect(foreignFilters).to.deep.include({
      chain: 'ip filter FORWARD',
      owner: 'docker',
      policy: 'drop',
      accepted: true,
    });
    await networks.call('tearDown', 'web');
    await networks.stop();
    expect(await machine.state()).to.equal(before);
  });

  it('works when docker comes later and drops what it does not know', async () => {
    await networks.start();
    const { sandboxKey } = await expectWorking();
    await machine.ok('sysctl', '-qw', 'net.ipv4.ip_forward=0');
    docker = await RealDocker.start({ netns: machine.name });
    await waitFor('containers to reach the outside again', () => canPing(sandboxKey, '10.211.0.2'));
    const rules = await machine.ok('iptables', '-S', 'FORWARD');
    expect(rules).to.contain('-P FORWARD DROP').and.contain('engined:engine0');
    await networks.call('tearDown', 'web');
    await networks.stop();
    expect(await machine.ok('iptables-save')).not.to.contain('engine');
  });

  it('obeys what an administrator forbids to all containers in DOCKER-USER', async () => {
    docker = await RealDocker.start({ netns: machine.name });
    await networks.start();
    const { sandboxKey } = await expectWorking();
    await machine.ok('iptables', '-I', 'DOCKER-USER', '-d', '10.211.0.2', '-j', 'DROP');
    expect(await canPing(sandboxKey, '10.211.0.2')).to.be.false;
  });

  it('comes back after somebody flushed the chain', async () => {
    await machine.ok('iptables', '-P', 'FORWARD', 'DROP');
    await networks.start();
    const { sandboxKey } = await expectWorking();
    await machine.ok('iptables', '-F', 'FORWARD');
    await waitFor('the rules to come back', () => canPing(sandboxKey, '10.211.0.2'));
  });

  it('comes back after somebody flushed the whole ruleset', async () => {
    await networks.start();
    const { sandboxKey } = await expectWorking();
    await machine.ok('nft', 'flush', 'ruleset');
    await waitFor('the table to come back', async () =>
      (await machine.ok('nft', 'list', 'tables')).includes('engined_engine0'),
    );
    expect(await canPing(sandboxKey, '10.211.0.2')).to.be.true;
    await networks.call('tearDown', 'web');
    await networks.stop();
    expect(await machine.ok('nft', 'list', 'tables')).to.equal('');
  });

  it('touches nothing with --firewall-integration=off', async () => {
    await machine.ok('iptables', '-P', 'FORWARD', 'DROP');
    const before = await machine.ok('iptables-save', '-t', 'filter');
    await networks.remove();
    networks = new ControlledNetworks(machine, { firewallIntegration: 'off' });
    await networks.start();
    const { sandboxKey } = await networks.setUp('web', { mode: 'bridge' });
    expect(await canPing(sandboxKey, '10.211.0.2')).to.be.false;
    expect(withoutComments(await machine.ok('iptables-save', '-t', 'filter'))).to.equal(
      withoutComments(before),
    );
  });

  it("does not open docker's containers to ours", async () => {
    docker = await RealDocker.start({ netns: machine.name });
    await networks.start();
    const { sandboxKey } = await expectWorking();
    const inside = await TestNamespace.create();
    try {
      const peer = ['peer', 'eth0', 'netns', inside.name];
      await machine.ok('ip', 'link', 'add', 'd0', 'type', 'veth', ...peer);
      await machine.ok('ip', 'link', 'set', 'd0', 'master', 'docker0', 'up');
      await inside.ok('ip', 'addr', 'add', '172.17.0.2/16', 'dev', 'eth0');
      await inside.ok('ip', 'link', 'set', 'eth0', 'up');
      await inside.ok('ip', 'route', 'add', 'default', 'via', '172.17.0.1');
      await waitFor('docker to the outside', () => canPing(inside.path, '10.211.0.2'));
      expect(await canPing(sandboxKey, '172.17.0.2'), 'ours to docker').to.be.false;
      expect(await canPing(inside.path, '172.30.0.2'), 'docker to ours').to.be.false;
    } finally {
      await inside.remove();
    }
  });

  it('leaves rules alone that drop only some packets', async () => {
    await machine.ok('iptables', '-A', 'FORWARD', '-d', '10.211.0.2', '-j', 'DROP');
    await networks.start();
    const { sandboxKey } = await networks.setUp('web', { mode: 'bridge' });
    expect((await networks.info()).foreignFilters).to.deep.equal([]);
    expect(await canPing(sandboxKey, '10.211.0.2')).to.be.false;
  });

  it('passes a chain that ends in REJECT', async () => {
    await machine.ok('iptables', '-A', 'FORWARD', '-j', 'REJECT');
    await networks.start();
    await expectWorking();
    const { foreignFilters } = await networks.info();
    expect(foreignFilters[0]).to.deep.include({ owner: 'iptables', policy: 'accept' });
  });

  it("warns of a chain that is not iptables' and may drop", async () => {
    await machine.ok(
      'nft',
      'add table inet own; add chain inet own forwarding { type filter hook forward priority 0; policy drop; }',
    );
    await networks.start();
    const { warnings } = await networks.info();
    expect(warnings).to.have.lengthOf(1);
    expect(warnings[0]).to.contain('"inet own forwarding" may drop');
  });

  async function expectWorking(): Promise<{ sandboxKey: string }> {
    const network = await networks.setUp('web', { mode: 'bridge' });
    await waitFor('the outside to answer', () => canPing(network.sandboxKey, '10.211.0.2'));
    return network;
  }
});

/** iptables-save writes the time and counters into its output. */
function withoutComments(saved: string): string {
  return saved.replaceAll(/^#.*\n/gm, '').replaceAll(/\[\d+:\d+\]/g, '');
}
