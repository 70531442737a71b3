/** macvlan and ipvlan networks, and the options of bridges, by docker's command line on a host of its own. */
import { expect } from 'chai';
import { checked, run, runOk } from '../harness/command.ts';
import { clients } from '../harness/clients.ts';
import { HostNetwork } from '../harness/host-network.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

const docker = clients.find(({ name }) => name === 'docker')!;

describe('drivers and options of networks', () => {
  let host: HostNetwork;
  let stack: Stack;
  let image: string;

  const status = async (...args: string[]): Promise<number | null> =>
    (await docker.run(stack, args)).status;
  const { ok, fails } = checked((...args) => docker.run(stack, args));
  const inHost = async (...command: string[]): Promise<string> =>
    (await runOk('ip', ['netns', 'exec', host.name, ...command])).stdout.trim();
  const links = async (): Promise<string[]> =>
    (await inHost('ip', '-br', 'link')).split('\n').map((line) => line.split(/[ @]/)[0] ?? '');
  const create = (...args: string[]): Promise<string> => ok('network', 'create', ...args);
  const inNet = (...command: string[]): Promise<string> =>
    ok('run', '--rm', '--network', 'drv', image, ...command);

  before(async function () {
    this.timeout(90_000);
    needRoot(this);
    docker.need(this);
    needPeers(this, 'ip', 'curl');
    host = await HostNetwork.create();
    image = `${await host.startRegistry()}/busybox`;
    stack = await Stack.start({ netns: host.name });
    await ok('pull', image);
  });

  afterEach(async () => {
    await docker.run(stack, ['rm', '-f', 'one', 'two']);
    await docker.run(stack, ['network', 'rm', 'drv']);
    await docker.run(stack, ['network', 'rm', 'drv2']);
  });

  after(async () => {
    await (stack as Stack | undefined)?.stop(); // neither where a peer is missing
    await (host as HostNetwork | undefined)?.remove();
  });

  describe('macvlan', () => {
    it('without a parent leads nowhere, and leaves nothing', async () => {
      const before = await links();
      await create('-d', 'macvlan', '--subnet', '10.198.0.0/24', 'drv');
      await ok('run', '-d', '--name', 'one', '--network', 'drv', image, 'sleep', '600');
      expect(await inNet('ping', '-c1', '-W2', 'one')).to.contain('1 packets received');
      expect(await ok('exec', 'one', 'ip', '-4', '-o', 'addr')).to.contain('10.198.0.2/24');
      expect(await ok('exec', 'one', 'ip', 'route')).to.not.contain('default');
      expect(await ok('network', 'inspect', '-f', '{{.Driver}}', 'drv')).to.equal('macvlan');
      // Its addresses, which make the MAC addresses, are free as soon as a container is gone.
      for (let round = 0; round < 3; round++) {
        expect(await inNet('ip', '-4', '-o', 'addr')).to.contain('10.198.0.3/24');
      }
      await ok('rm', '-f', 'one');
      await ok('network', 'rm', 'drv');
      expect(await links()).to.deep.equal(before);
    });

    it('on a link of the host reaches who is there, and survives a SIGKILL of engined', async () => {
      const outside = await runOk('ip', ['-n', host.outsideName, '-br', 'addr', 'show', 'wan1']);
      expect(outside.stdout).to.contain('10.213.0.2/24');
      const subnet = ['--subnet', '10.213.0.0/24', '--gateway', '10.213.0.2'];
      await create('-d', 'macvlan', ...subnet, '-o', 'parent=wan0', 'drv');
      const fixed = [
        '--network',
        'drv',
        '--ip',
        '10.213.0.77',
        '--mac-address',
        '02:ab:00:00:00:07',
      ];
      await ok('run', '-d', '--name', 'one', ...fixed, image, 'sleep', '600');
      expect(await ok('exec', 'one', 'ip', 'route')).to.contain('default via 10.213.0.2');
      expect(await ok('exec', 'one', 'ip', 'link', 'show', 'eth0')).to.contain('02:ab:00:00:00:07');
      expect(await ok('exec', 'one', 'ping', '-c1', '-W2', '10.213.0.2')).to.contain('1 packets');
      await stack.endEngined('SIGKILL');
      await stack.startEngined();
      expect(await ok('exec', 'one', 'ping', '-c1', '-W2', '10.213.0.2')).to.contain('1 packets');
      expect(await fails('run', '--rm', ...fixed, image, 'true')).to.contain('is in use');
      const again = ['-d', 'macvlan', '--subnet', '10.8.0.0/24', '-o', 'parent=wan0', 'drv2'];
      expect(await fails('network', 'create', ...again)).to.contain('already using parent');
      await ok('network', 'disconnect', 'drv', 'one');
      expect(await ok('exec', 'one', 'ip', '-o', 'link')).to.not.contain('eth0');
      await ok('network', 'connect', 'drv', 'one');
      expect(await ok('exec', 'one', 'ping', '-c1', '-W2', '10.213.0.2')).to.contain('1 packets');
      await ok('rm', '-f', 'one');
      await ok('network', 'rm', 'drv');
      expect(await links()).to.include('wan0');
    });

    it('keeps containers apart in private mode, and refuses what makes no sense', async () => {
      const mode = ['-o', 'macvlan_mode=private', '-o', 'parent=wan0'];
      await create('-d', 'macvlan', '--subnet', '10.198.0.0/24', ...mode, 'drv');
      await ok('run', '-d', '--name', 'one', '--network', 'drv', image, 'sleep', '600');
      const ping = ['run', '--rm', '--network', 'drv', image, 'ping', '-c1', '-W1', '10.198.0.2'];
      expect(await status(...ping)).to.not.equal(0);
      for (const [args, words] of [
        [['-o', 'parent=nosuch0'], 'the parent interface nosuch0 was not found'],
        [['-o', 'macvlan_mode=fast'], 'invalid value "fast" of network option macvlan_mode'],
        [['-o', 'colour=red'], 'network option colour is not implemented'],
      ] as const) {
        expect(await fails('network', 'create', '-d', 'macvlan', ...args, 'drv2')).to.contain(
          words,
        );
      }
    });
  });

  it('ipvlan is there or refused in words, by the kernel', async () => {
    const before = await links();
    const made = await docker.run(stack, [
      ...['network', 'create', '-d', 'ipvlan', '--subnet', '10.197.0.0/24'],
      ...['-o', 'parent=wan0', '-o', 'ipvlan_mode=l3', 'drv'],
    ]);
    if (made.status === 0) {
      const inside = await inNet('sh', '-c', 'ip -4 -o addr; ip route');
      expect(inside).to.contain('10.197.0.2/24').and.contain('default dev eth0');
    } else {
      expect(made.stderr).to.contain('this kernel has no ipvlan links');
      expect(await links()).to.deep.equal(before);
    }
  });

  it('enable_icc=false keeps neighbours apart, and neither the world nor published ports', async () => {
    const name = ['-o', 'com.docker.network.bridge.name=quiet0'];
    await create('-o', 'com.docker.network.bridge.enable_icc=false', ...name, 'drv');
    expect(await links()).to.include('quiet0');
    const serve = 'mkdir /w; echo served >/w/index.html; exec httpd -f -h /w';
    const publish = ['--network', 'drv', '-p', '8089:80'];
    await ok('run', '-d', '--name', 'one', ...publish, image, 'sh', '-c', serve);
    await ok('run', '-d', '--name', 'two', '--network', 'drv', image, 'sleep', '600');
    const address = await ok('inspect', '-f', '{{.NetworkSettings.Networks.drv.IPAddress}}', 'one');
    const get = (url: string): Promise<number | null> =>
      status('exec', 'two', 'timeout', '-s', 'KILL', '2', 'wget', '-qO-', url);
    await waitFor('the published port', async () => (await get('http://10.213.0.1:8089/')) === 0);
    expect(await get(`http://${address}/`)).to.not.equal(0);
    expect(await status('exec', 'two', 'ping', '-c1', '-W2', host.outsideAddress)).to.equal(0);
    await ok('network', 'create', 'drv2');
    await ok('network', 'connect', 'drv2', 'one');
    await ok('network', 'connect', 'drv2', 'two');
    const other = await ok('inspect', '-f', '{{.NetworkSettings.Networks.drv2.IPAddress}}', 'one');
    expect(await get(`http://${other}/`)).to.equal(0);
  });

  it('enable_ip_masquerade=false leaves addresses as they are', async () => {
    const subnet = ['--subnet', '10.196.0.0/24'];
    await create(...subnet, '-o', 'com.docker.network.bridge.enable_ip_masquerade=false', 'drv');
    const ping = [
      'run',
      '--rm',
      '--network',
      'drv',
      image,
      'ping',
      '-c1',
      '-W1',
      host.outsideAddress,
    ];
    expect(await status(...ping)).to.not.equal(0);
    const route = ['-n', host.outsideName, 'route', 'add', '10.196.0.0/24', 'via', '10.213.0.1'];
    await runOk('ip', route);
    expect(await status(...ping)).to.equal(0);
  });

  it('host_binding_ipv4 is where ports are published that name no address', async () => {
    await create('-o', 'com.docker.network.bridge.host_binding_ipv4=127.0.0.1', 'drv');
    const serve = 'mkdir /w; echo served >/w/index.html; exec httpd -f -h /w';
    const publish = ['--network', 'drv', '-p', '8090:80', '-p', '10.213.0.1:8091:80'];
    await ok('run', '-d', '--name', 'one', ...publish, image, 'sh', '-c', serve);
    expect(await ok('port', 'one'))
      .to.contain('127.0.0.1:8090')
      .and.not.contain('0.0.0.0:');
    const outside = (port: number) =>
      run('ip', [
        ...['netns', 'exec', host.outsideName, 'curl', '-s', '-m', '2'],
        `http://10.213.0.1:${port}/`,
      ]);
    await waitFor('the named address', async () => (await outside(8091)).status === 0);
    expect((await outside(8090)).status).to.not.equal(0);
    expect(await inHost('curl', '-s', '-m', '2', 'http://127.0.0.1:8090/')).to.equal('served');
  });
});
