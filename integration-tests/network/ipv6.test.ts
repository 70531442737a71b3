/** Networks of both families: addresses, names, isolation, masquerading, published ports; on a host of its own. */
import { expect } from 'chai';
import { checked, run, runOk } from '../harness/command.ts';
import { clients } from '../harness/clients.ts';
import { HostNetwork } from '../harness/host-network.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

const dockerClient = clients.find(({ name }) => name === 'docker')!;

describe('networks with IPv6', () => {
  const client = dockerClient;
  let host: HostNetwork;
  let stack: Stack;
  let image: string;

  const { ok, fails } = checked((...args) => client.run(stack, args));
  const show = (name: string, field: string): Promise<string> =>
    ok('inspect', '-f', `{{(index .NetworkSettings.Networks "n6").${field}}}`, name);
  const inHost = async (...command: string[]): Promise<string> =>
    (await runOk('ip', ['netns', 'exec', host.name, ...command])).stdout.trim();
  const outside = (...command: string[]) =>
    run('ip', ['netns', 'exec', host.outsideName, ...command]);
  const serve = 'mkdir /w; echo served >/w/index.html; exec httpd -f -vv -p [::]:80 -h /w';

  before(async function () {
    this.timeout(90_000);
    needRoot(this);
    client.need(this);
    needPeers(this, 'ip', 'curl', 'ping', 'nft', 'ip6tables');
    host = await HostNetwork.create();
    image = `${await host.startRegistry()}/busybox`;
    await inHost('ip', 'addr', 'add', '2001:db8:213::1/64', 'dev', 'wan0', 'nodad');
    const far = ['addr', 'add', '2001:db8:213::2/64', 'dev', 'wan1', 'nodad'];
    await runOk('ip', ['-n', host.outsideName, ...far]);
    stack = await Stack.start({ netns: host.name });
    await ok('pull', image);
    await ok('network', 'create', '--ipv6', '--subnet', 'fd00:99::/64', 'n6');
    await ok('run', '-d', '--name', 'web', '--network', 'n6', image, 'sh', '-c', serve);
    await waitFor(
      'the web server',
      async () =>
        (await client.run(stack, ['exec', 'web', 'wget', '-qO-', 'http://[::1]/'])).status === 0,
    );
  });

  after(async () => {
    await client.run(stack, ['rm', '-f', 'web', 'pub']);
    await client.run(stack, ['network', 'rm', 'n6']);
    await (stack as Stack | undefined)?.stop(); // neither where a peer is missing
    await (host as HostNetwork | undefined)?.remove();
  });

  it('show and give addresses of both families, static ones too', async () => {
    expect(await show('web', 'GlobalIPv6Address')).to.equal('fd00:99::2');
    expect(await show('web', 'GlobalIPv6PrefixLen')).to.equal('64');
    expect(await show('web', 'IPv6Gateway')).to.equal('fd00:99::1');
    expect(
      await ok('network', 'inspect', '-f', '{{.EnableIPv6}} {{len .IPAM.Config}}', 'n6'),
    ).to.equal('true 2');
    const script = 'ip -6 -o addr show eth0; ip -6 route; cat /etc/hosts';
    const inside = await ok('exec', 'web', 'sh', '-c', script);
    expect(inside).to.contain('fd00:99::2/64').and.contain('default via fd00:99::1');
    expect(inside).to.match(/^fd00:99::2\t/m);
    const fixed = ['run', '--rm', '--network', 'n6', '--ip6', 'fd00:99::beef', image];
    expect(await ok(...fixed, 'ip', '-6', '-o', 'addr', 'show', 'eth0')).to.contain(
      'fd00:99::beef/64',
    );
    const wrong = ['run', '--rm', '--network', 'n6', '--ip6', 'fd01::1', image, 'true'];
    expect(await fails(...wrong)).to.contain('fd01::1');
  });

  it('know names and addresses of both families', async () => {
    const inside = (...command: string[]) =>
      ok('run', '--rm', '--network', 'n6', image, ...command);
    expect(await inside('nslookup', '-type=aaaa', 'web')).to.contain('fd00:99::2');
    expect(await inside('nslookup', 'fd00:99::2')).to.contain('web.n6');
    expect(await inside('wget', '-qO-', 'http://[fd00:99::2]/')).to.equal('served');
    expect(await inside('ping', '-6', '-c1', '-W2', 'web')).to.contain('1 packets received');
  });

  it('reach the outside world under the address of the host, and are not reached from there', async () => {
    await waitFor(
      'the outside world',
      async () =>
        (await client.run(stack, ['exec', 'web', 'ping', '-6', '-c1', '-W1', '2001:db8:213::2']))
          .status === 0,
    );
    await inHost('ip6tables', '-P', 'FORWARD', 'DROP');
    await waitFor('our packets to be let through', async () =>
      (await inHost('ip6tables', '-S', 'FORWARD')).includes('engined:'),
    );
    await ok('exec', 'web', 'ping', '-6', '-c1', '-W2', '2001:db8:213::2');
    const route = ['route', 'add', 'fd00:99::/64', 'via', '2001:db8:213::1'];
    await runOk('ip', ['-n', host.outsideName, '-6', ...route]);
    expect((await outside('ping', '-6', '-c1', '-W1', 'fd00:99::2')).status).to.not.equal(0);
    expect((await outside('curl', '-s', '-m', '2', 'http://[fd00:99::2]/')).status).to.not.equal(0);
  });

  it('are closed to each other, and get a subnet where nobody names one', async () => {
    await ok('network', 'create', '--ipv6', 'n6b');
    try {
      const subnet = await ok(
        'network',
        'inspect',
        '-f',
        '{{(index .IPAM.Config 1).Subnet}}',
        'n6b',
      );
      expect(subnet).to.match(/^fd[0-9a-f:]+::\/64$/);
      const attempt = 'timeout -s KILL 2 wget -qO- http://[fd00:99::2]/ || echo blocked';
      expect(await ok('run', '--rm', '--network', 'n6b', image, 'sh', '-c', attempt)).to.equal(
        'blocked',
      );
      expect(
        await fails('network', 'create', '--ipv6', '--subnet', 'fd00:99::8:0:0:0/80', 'n6c'),
      ).to.contain('Pool overlaps');
    } finally {
      await ok('network', 'rm', 'n6b');
    }
  });

  it('publish ports at IPv6 addresses, seen from where the client is, also while engined is away', async () => {
    await ok(
      ...['run', '-d', '--name', 'pub', '--network', 'n6', '-p', '8086:80'],
      ...['-p', '[::1]:8088:80', image, 'sh', '-c', serve],
    );
    const get = async (port: number): Promise<string> =>
      (await outside('curl', '-s', '-m', '3', `http://[2001:db8:213::1]:${port}/`)).stdout.trim();
    await waitFor('the published port', async () => (await get(8086)) === 'served');
    const logs = await client.run(stack, ['logs', 'pub']);
    expect(logs.stderr).to.contain('[2001:db8:213::2]');
    expect(await get(8088)).to.equal('');
    expect(await inHost('curl', '-s', '-m', '3', 'http://[::1]:8088/')).to.equal('served');
    expect(await inHost('curl', '-s', '-m', '3', 'http://[::1]:8086/')).to.equal('served');
    expect(await inHost('curl', '-s', '-m', '3', 'http://[2001:db8:213::1]:8086/')).to.equal(
      'served',
    );
    expect(await inHost('curl', '-s', '-m', '3', 'http://10.213.0.1:8086/')).to.equal('served');
    // From a neighbour, by the host: there and back through the listener.
    expect(await ok('exec', 'web', 'wget', '-qO-', 'http://[2001:db8:213::1]:8086/')).to.equal(
      'served',
    );
    await stack.endEngined('SIGKILL');
    expect(await get(8086)).to.equal('served');
    await stack.startEngined();
    expect(await get(8086)).to.equal('served');
    expect(await ok('exec', 'web', 'nslookup', '-type=aaaa', 'pub')).to.contain('fd00:99::');
    await ok('rm', '-f', 'pub');
  });

  it('leave no table and no rule of theirs behind', async () => {
    await ok('rm', '-f', 'web');
    await ok('network', 'rm', 'n6');
    expect(await inHost('nft', 'list', 'tables')).not.to.contain('ip6 engined');
    expect(await inHost('ip6tables-save')).not.to.contain('engined');
  });
});
