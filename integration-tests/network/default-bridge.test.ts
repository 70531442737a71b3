import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { expect } from 'chai';
import { runOk } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { ControlledNetworks } from './controlled-networks.ts';
import { canPing, TestNamespace } from './test-namespace.ts';

describe('the default bridge', function () {
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

  it('gives a container an address, a route, and a gateway that answers', async () => {
    await networks.start();
    const network = await networks.setUp('web', { mode: 'bridge' });
    expect(network).to.deep.include({ prefixLength: 16, gateway: '172.30.0.1' });
    expect(await canPing(network.sandboxKey, network.gateway)).to.be.true;
    const inside = await inSandbox(network.sandboxKey, 'ip', '-4', '-o', 'addr');
    expect(inside)
      .to.contain(`eth0    inet ${network.ipAddress}/16`)
      .and.contain('inet 127.0.0.1/8');
    const links = await inSandbox(network.sandboxKey, 'ip', '-o', 'link', 'show', 'eth0');
    expect(links).to.contain(network.macAddress);
    const ipv6 = await inSandbox(network.sandboxKey, 'ip', '-6', '-o', 'addr');
    expect(ipv6).to.match(/^1: lo +inet6 ::1\/128 [^\n]*\n$/);
  });

  it('lets containers reach each other, and outside machines through the address of this one', async () => {
    const outside = await machine.addOutside();
    try {
      await networks.start();
      const web = await networks.setUp('web', { mode: 'bridge' });
      const db = await networks.setUp('db', { mode: 'bridge' });
      expect(await canPing(web.sandboxKey, db.ipAddress), 'each other').to.be.true;
      expect(await canPing(web.sandboxKey, '10.211.0.2'), 'outside').to.be.true;
      // The outside machine gets a route to the containers and still does not get in.
      await outside.ok('ip', 'route', 'add', '172.30.0.0/16', 'via', '10.211.0.1');
      expect(await canPing(outside.path, web.ipAddress), 'from outside').to.be.false;
    } finally {
      await outside.remove();
    }
  });

  it('takes a MAC address, and refuses one that is none', async () => {
    await networks.start();
    const network = await networks.setUp('web', { mode: 'bridge', mac: '02-AB-00-00-00-01' });
    expect(network.macAddress).to.equal('02:ab:00:00:00:01');
    const links = await inSandbox(network.sandboxKey, 'ip', '-o', 'link', 'show', 'eth0');
    expect(links).to.contain('02:ab:00:00:00:01');
    await rejects(networks.setUp('db', { mode: 'bridge', mac: '03:00:00:00:00:01' }), 'multicast');
    await rejects(networks.setUp('db', { mode: 'bridge', mac: 'x' }), 'invalid MAC address "x"');
  });

  it('chooses a subnet that this machine does not use', async () => {
    await machine.ok('ip', 'link', 'add', 'other0', 'type', 'bridge');
    await machine.ok('ip', 'addr', 'add', '172.30.7.1/24', 'dev', 'other0');
    await machine.ok('ip', 'link', 'set', 'other0', 'up');
    await machine.ok('ip', 'route', 'add', '172.29.0.0/24', 'dev', 'other0');
    await networks.start();
    expect(await networks.setUp('web', { mode: 'bridge' })).to.deep.include({
      gateway: '172.28.0.1',
    });
  });

  it('is nothing but loopback for none, and the machine itself for host', async () => {
    await networks.start();
    const none = await networks.setUp('alone', { mode: 'none' });
    expect(await inSandbox(none.sandboxKey, 'ip', '-o', 'link')).to.match(
      /^1: lo: <LOOPBACK,UP[^\n]*\n$/,
    );
    const host = await networks.setUp('shared', { mode: 'host' });
    expect(host.netnsPath).to.be.undefined;
    expect(await inSandbox(host.sandboxKey, 'ip', '-o', 'link')).to.contain('engine0');
  });

  it('leaves nothing: links, addresses, routes, rules, namespaces, mounts', async () => {
    const before = await machine.state();
    await networks.start();
    for (const [index, mode] of ['bridge', 'bridge', 'bridge', 'none', 'host'].entries()) {
      const id = `container-${index}`;
      await networks.setUp(id, { mode });
      await networks.call('tearDown', id);
    }
    await networks.stop();
    expect(await machine.state()).to.equal(before);
    expect(fs.existsSync(networks.netnsFolder)).to.be.false;
    expect(fs.readFileSync('/proc/self/mounts', 'utf8')).not.to.contain(networks.root);
  });

  it('gives an address out again only after its link is gone, even if a process stayed behind', async () => {
    await networks.start();
    const network = await networks.setUp('web', { mode: 'bridge' });
    const args = [`--net=${network.sandboxKey}`, '--', 'sleep', '60'];
    const straggler = spawn('nsenter', args, { stdio: 'ignore' });
    try {
      await waitFor('the process to enter', () =>
        fs.readFileSync(`/proc/${straggler.pid ?? 0}/comm`, 'utf8').startsWith('sleep'),
      );
      await networks.call('tearDown', 'web');
      const next = await networks.setUp('next', { mode: 'bridge' });
      expect(next.ipAddress).not.to.equal(network.ipAddress);
      await networks.call('tearDown', 'next');
      await networks.stop();
      expect(await machine.ok('ip', '-br', 'link')).not.to.contain('engine0');
    } finally {
      straggler.kill();
    }
  });

  it('stays for containers that run on, and is found again', async () => {
    await networks.start();
    const network = await networks.setUp('web', { mode: 'bridge' });
    await networks.stop();
    expect(await canPing(network.sandboxKey, network.gateway)).to.be.true;
    expect(await networks.start(['web'])).to.deep.equal([network]);
    await networks.call('tearDown', 'web');
    await networks.stop();
  });

  it('refuses a bridge of another kind or with another address, and changes nothing', async () => {
    await machine.ok('ip', 'link', 'add', 'engine0', 'type', 'veth');
    const before = await machine.state();
    await rejects(networks.start(), 'link "engine0" exists and is not a bridge');
    expect(await machine.state()).to.equal(before);
  });

  it('uses a bridge that an administrator made, and leaves it', async () => {
    await machine.ok('ip', 'link', 'add', 'engine0', 'type', 'bridge');
    await machine.ok('ip', 'addr', 'add', '10.99.0.1/29', 'dev', 'engine0');
    await networks.start();
    expect(await networks.setUp('web', { mode: 'bridge' })).to.deep.include({
      gateway: '10.99.0.1',
    });
    await networks.call('tearDown', 'web');
    await networks.stop();
    expect(await machine.ok('ip', '-4', '-br', 'addr')).to.contain('10.99.0.1/29');
    await networks.remove();
    networks = new ControlledNetworks(machine, { bip: '10.98.0.1/24' });
    await rejects(networks.start(), 'has address 10.99.0.1/29, not 10.98.0.1/24');
  });

  it('says when no address is left', async () => {
    await networks.remove();
    networks = new ControlledNetworks(machine, { bip: '10.97.0.1/30' });
    await networks.start();
    expect((await networks.setUp('web', { mode: 'bridge' })).ipAddress).to.equal('10.97.0.2');
    await rejects(
      networks.setUp('db', { mode: 'bridge' }),
      'no available IPv4 addresses in subnet 10.97.0.0/30',
    );
    await networks.call('tearDown', 'web');
    await networks.stop();
  });
});

async function inSandbox(sandbox: string, file: string, ...args: string[]): Promise<string> {
  return (await runOk('nsenter', [`--net=${sandbox}`, '--', file, ...args])).stdout;
}

async function rejects(promise: Promise<unknown>, text: string): Promise<void> {
  const error = await promise.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason as Error,
  );
  expect(error.message).to.contain(text);
}
