/** Networks that users make, by our command line and by docker's: names, addresses, isolation, joining and leaving. */
import { expect } from 'chai';
import { checked } from '../harness/command.ts';
import { clients } from '../harness/clients.ts';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

for (const client of clients) {
  describe(`networks of users, by ${client.name}`, () => {
    let stack: Stack;
    let busybox: string;
    const net = `net-${client.name}`;
    const web = `web-${client.name}`;
    const box = `box-${client.name}`;
    const servesHello = [
      ...['sh', '-c', 'mkdir /w; echo hello from $(hostname) > /w/index.html; exec httpd -f -h /w'],
    ];

    const { ok, fails } = checked((...args) => client.run(stack, args));
    const inNet = (...command: string[]): Promise<string> =>
      ok('run', '--rm', '--network', net, busybox, ...command);
    /** A web server on the network, ready. */
    const startWeb = async (...options: string[]): Promise<void> => {
      await ok('run', '-d', '--name', web, '--network', net, ...options, busybox, ...servesHello);
      const ready = ['exec', web, 'wget', '-qO-', 'http://127.0.0.1/'];
      await waitFor('the web server', async () => (await client.run(stack, ready)).status === 0);
    };

    before(async function () {
      needRoot(this);
      client.need(this);
      busybox = `${await devRegistry(this)}/busybox`;
      stack = await sharedStack();
      await ok('pull', busybox);
    });

    afterEach(async () => {
      await client.run(stack, ['rm', '-f', web, box]);
      await client.run(stack, ['network', 'rm', net]);
      await client.run(stack, ['network', 'rm', `${net}-2`]);
      expect(await ok('network', 'ls', '-q', '--filter', 'type=custom')).to.equal('');
    });

    it('let containers find each other by name, alias and address', async () => {
      await ok('network', 'create', net);
      await startWeb('--network-alias', 'site', '-h', 'greeter');
      for (const name of [web, 'site', `${web}.${net}`]) {
        expect(await inNet('wget', '-qO-', `http://${name}/`)).to.equal('hello from greeter');
      }
      const address = await ok(
        ...['inspect', '-f', `{{(index .NetworkSettings.Networks "${net}").IPAddress}}`, web],
      );
      expect(await inNet('nslookup', address)).to.contain(`${web}.${net}`);
      expect(await inNet('cat', '/etc/resolv.conf')).to.contain('nameserver 127.0.0.11');
    });

    it('are shown, found and refused like docker shows, finds and refuses them', async () => {
      await ok('network', 'create', '--subnet', '10.213.0.0/24', '--label', 'a=b', net);
      expect(await fails('network', 'create', net)).to.contain(`network with name ${net} already`);
      expect(
        await fails('network', 'create', '--subnet', '10.213.0.128/25', `${net}-2`),
      ).to.contain('Pool overlaps with other one on this address space');
      const show = (template: string): Promise<string> =>
        ok('network', 'inspect', '-f', template, net);
      expect(await show('{{(index .IPAM.Config 0).Subnet}} {{.Driver}} {{.Scope}}')).to.equal(
        '10.213.0.0/24 bridge local',
      );
      const found = await ok('network', 'ls', '-f', 'label=a=b', '--format', '{{.Name}}');
      expect(found).to.equal(net);
      expect(await fails('run', '--rm', '--network', 'nosuch', busybox)).to.contain(
        'network nosuch not found',
      );
      expect(await fails('network', 'rm', 'bridge')).to.contain('pre-defined network');
      await startWeb();
      expect(await fails('network', 'rm', net)).to.contain('has active endpoints');
      expect(await show('{{len .Containers}}')).to.equal('1');
    });

    it('give the addresses that are asked for', async () => {
      await ok(
        ...['network', 'create', '--subnet', '10.214.0.0/24', '--gateway', '10.214.0.254'],
        ...['--ip-range', '10.214.0.128/25', net],
      );
      const addresses = ['ip', '-4', '-o', 'addr', 'show', 'eth0'];
      const fixed = ['run', '--rm', '--network', net, '--ip', '10.214.0.7', busybox, ...addresses];
      expect(await ok(...fixed)).to.contain('10.214.0.7/24');
      expect(await inNet(...addresses)).to.contain('10.214.0.128/24');
      expect(await inNet('ip', 'route')).to.contain('default via 10.214.0.254');
      const outside = ['run', '--rm', '--network', net, '--ip', '10.9.9.9', busybox, 'true'];
      expect(await fails(...outside)).to.contain('10.9.9.9');
      const onDefault = ['run', '--rm', '--ip', '172.30.0.9', busybox, 'true'];
      expect(await fails(...onDefault)).to.contain('user defined networks only');
    });

    it('are closed to each other, and internal ones to the world', async () => {
      await ok('network', 'create', net);
      await startWeb();
      const address = await ok(
        ...['inspect', '-f', `{{(index .NetworkSettings.Networks "${net}").IPAddress}}`, web],
      );
      const attempt = `timeout -s KILL 2 wget -qO- http://${address}/ || echo blocked`;
      expect(await ok('run', '--rm', busybox, 'sh', '-c', attempt)).to.equal('blocked');
      expect(await inNet('sh', '-c', attempt)).to.contain('hello');
      await ok('network', 'create', '--internal', `${net}-2`);
      const internal = ['run', '--rm', '--network', `${net}-2`, busybox];
      expect(await ok(...internal, 'ip', 'route')).to.not.contain('default');
    });

    it('are joined and left by containers that run', async () => {
      await ok('network', 'create', net);
      await startWeb();
      await ok('run', '-d', '--name', box, busybox, 'sleep', '60');
      await fails('exec', box, 'nslookup', web);
      await ok('network', 'connect', '--alias', 'joined', net, box);
      expect(await ok('exec', box, 'wget', '-qO-', `http://${web}/`)).to.contain('hello');
      expect(await ok('exec', web, 'nslookup', 'joined')).to.contain('Name:');
      expect(await fails('network', 'connect', net, box)).to.contain('already exists in network');
      await ok('network', 'disconnect', net, box);
      expect(await ok('exec', box, 'ip', '-o', 'link')).to.not.contain('eth1');
      expect(await ok('exec', box, 'ip', 'route')).to.contain('default via');
    });

    it('may be made after a container that is to be in them', async () => {
      const later = `${net}-later`;
      await ok('create', '--name', box, '--network', later, busybox, 'ip', 'addr');
      expect(await fails('start', box)).to.contain(`network ${later} not found`);
      await ok('network', 'create', '--subnet', '172.31.77.0/24', later);
      expect(await ok('start', '-a', box)).to.contain('172.31.77.');
      await ok('rm', box);
      await ok('network', 'rm', later);
    });

    it('can be shared with another container', async () => {
      await ok('network', 'create', net);
      await startWeb('-h', 'greeter');
      const shared = ['run', '--rm', '--network', `container:${web}`, busybox];
      expect(await ok(...shared, 'wget', '-qO-', 'http://127.0.0.1/')).to.contain('hello');
      expect(await ok(...shared, 'hostname')).to.equal('greeter');
      await ok('stop', '-t', '0', web);
      expect(await fails(...shared, 'true')).to.contain('non running container');
    });

    it('are there again after the engine was killed, names included', async () => {
      await ok('network', 'create', net);
      await startWeb();
      await stack.endEngined('SIGKILL');
      await stack.startEngined();
      expect(await inNet('wget', '-qO-', `http://${web}/`)).to.contain('hello');
      expect(await ok('exec', web, 'nslookup', web)).to.contain('Name:');
    });

    it('let a container know another one by the name of a link', async () => {
      await ok('network', 'create', net);
      await startWeb('-h', 'greeter');
      const linked = ['--link', `${web}:store`, '--network', net];
      const get = ['wget', '-qO-', 'http://store/'];
      expect(await ok('run', '--rm', ...linked, busybox, ...get)).to.equal('hello from greeter');
      expect(await fails('run', '--rm', '--network', net, busybox, ...get)).to.contain('store');
      await ok('run', '-d', '--name', box, busybox, 'sleep', '600');
      await ok('network', 'connect', '--link', `${web}:joined`, net, box);
      expect(await ok('exec', box, 'wget', '-qO-', 'http://joined/')).to.contain('hello');
      const show = `{{(index .NetworkSettings.Networks "${net}").Links}}`;
      expect(await ok('inspect', '-f', show, box)).to.equal(`[${web}:joined]`);
    });

    it('are found by the beginning and the end of a name, and go with prune by age', async () => {
      await ok('network', 'create', net);
      await ok('network', 'create', `${net}-2`);
      const names = async (filter: string): Promise<string> =>
        ok('network', 'ls', '-f', filter, '--format', '{{.Name}}');
      expect(await names(`name=^${net}$`)).to.equal(net);
      expect(await names(`name=^${net}-.*$`)).to.equal(`${net}-2`);
      expect((await names(`name=${net}`)).split('\n')).to.have.members([net, `${net}-2`]);
      expect(await names(`name=^et-`)).to.equal('');
      expect(await fails('network', 'ls', '-f', 'type=odd')).to.contain("invalid filter: 'type'");
      await ok('network', 'prune', '-f', '--filter', 'until=1h');
      expect((await names(`name=${net}`)).split('\n')).to.have.lengthOf(2);
      await ok('network', 'prune', '-f', '--filter', `until=${Date.now() / 1000 + 1}`);
      expect(await names(`name=${net}`)).to.equal('');
    });

    it('go with prune when nobody asks for them', async () => {
      await ok('network', 'create', net);
      await ok('network', 'create', `${net}-2`);
      await ok('create', '--name', box, '--network', net, busybox);
      expect(await ok('network', 'prune', '-f')).to.contain(`${net}-2`);
      expect(await ok('network', 'ls', '-q', '--filter', `name=${net}`)).to.not.equal('');
    });
  });
}
