/** What the flags of engined make of the default bridge, and what containers see of the machine. */
import { expect } from 'chai';
import { checked, runOk } from '../harness/command.ts';
import { clients } from '../harness/clients.ts';
import { HostNetwork } from '../harness/host-network.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

const docker = clients.find(({ name }) => name === 'docker')!;

describe('the default bridge, as flags want it', () => {
  let host: HostNetwork;
  let stack: Stack;
  let image: string;

  const status = async (...args: string[]): Promise<number | null> =>
    (await docker.run(stack, args)).status;
  const { ok } = checked((...args) => docker.run(stack, args));
  const inHost = async (...command: string[]): Promise<string> =>
    (await runOk('ip', ['netns', 'exec', host.name, ...command])).stdout.trim();

  before(async function () {
    this.timeout(90_000);
    needRoot(this);
    docker.need(this);
    needPeers(this, 'ip', 'curl', 'nft', 'perl');
    host = await HostNetwork.create();
    image = `${await host.startRegistry()}/busybox`;
    stack = await Stack.start({
      netns: host.name,
      arguments: [
        ...['--bip', '10.195.0.1/24', '--fixed-cidr', '10.195.0.128/25'],
        ...['--ipv6', '--icc=false', '--ip', '127.0.0.1'],
      ],
    });
    await ok('pull', image);
  });

  afterEach(async () => {
    await docker.run(stack, ['rm', '-f', 'one', 'two']);
  });

  after(async () => {
    await (stack as Stack | undefined)?.stop(); // neither where a peer is missing
    await (host as HostNetwork | undefined)?.remove();
  });

  it('has the subnets, keeps neighbours apart, and publishes at loopback', async () => {
    const serve = 'mkdir /w; echo served >/w/index.html; exec httpd -f -h /w';
    await ok('run', '-d', '--name', 'one', '-p', '8092:80', image, 'sh', '-c', serve);
    await ok('run', '-d', '--name', 'two', image, 'sleep', '600');
    const address = await ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'one');
    const ipv6 = await ok('inspect', '-f', '{{.NetworkSettings.GlobalIPv6Address}}', 'one');
    expect(address).to.match(/^10\.195\.0\.(12[89]|1[3-9]\d|2\d\d)$/);
    expect(ipv6).to.match(/^fd/);
    expect(await status('exec', 'two', 'ping', '-c1', '-W1', address)).to.not.equal(0);
    expect(await status('exec', 'two', 'ping', '-6', '-c1', '-W1', ipv6)).to.not.equal(0);
    expect(await status('exec', 'two', 'ping', '-c1', '-W2', '10.195.0.1')).to.equal(0);
    expect(await ok('port', 'one')).to.equal('80/tcp -> 127.0.0.1:8092');
    expect(await inHost('curl', '-s', '-m', '3', 'http://127.0.0.1:8092/')).to.equal('served');
    const options = await ok('network', 'inspect', '-f', '{{json .Options}}', 'bridge');
    expect(options)
      .to.contain('"com.docker.network.bridge.enable_icc":"false"')
      .and.contain('"com.docker.network.bridge.host_binding_ipv4":"127.0.0.1"');
    const subnet = '{{(index .IPAM.Config 1).Subnet}}';
    const before = await ok('network', 'inspect', '-f', subnet, 'bridge');
    await stack.endEngined('SIGKILL');
    await stack.startEngined();
    expect(await ok('network', 'inspect', '-f', subnet, 'bridge')).to.equal(before);
    expect(await inHost('curl', '-s', '-m', '3', 'http://127.0.0.1:8092/')).to.equal('served');
  });

  it('is what host-gateway stands for, in every network', async () => {
    const added = ['run', '--rm', '--add-host', 'host.docker.internal:host-gateway'];
    const hosts = await ok(...added, image, 'cat', '/etc/hosts');
    expect(hosts).to.match(/^10\.195\.0\.1\thost\.docker\.internal$/m);
    expect(hosts).to.match(/^fd[0-9a-f:]+::1\thost\.docker\.internal$/m);
    await ok('network', 'create', 'other');
    try {
      const ping = ['ping', '-c1', '-W2', '10.195.0.1'];
      const inside = await ok(
        ...added,
        '--network',
        'other',
        image,
        'sh',
        '-c',
        `cat /etc/hosts; ${ping.join(' ')}`,
      );
      expect(inside)
        .to.contain('10.195.0.1\thost.docker.internal')
        .and.contain('1 packets received');
    } finally {
      await ok('network', 'rm', 'other');
    }
  });

  it('forgets the clients of a UDP port when it is published again', async () => {
    // One client, whose packets all come from the same port, as those of a resolver or a game.
    const client = async (text: string): Promise<void> => {
      const send = `IO::Socket::INET->new(LocalPort => 5353, PeerAddr => "10.213.0.1:8093", Proto => "udp")->send("${text}")`;
      const perl = ['perl', '-MIO::Socket::INET', '-e', send];
      await runOk('ip', ['netns', 'exec', host.outsideName, ...perl]);
    };
    const publish = ['-p', '10.213.0.1:8093:9/udp'];
    const heard = async (name: string): Promise<string> =>
      (await docker.run(stack, ['logs', name])).stdout;
    const receive =
      '$| = 1; $s = IO::Socket::INET->new(LocalPort => 9, Proto => "udp"); while ($s->recv($m, 99)) { print "$m\\n" }';
    const listen = ['perl', '-MIO::Socket::INET', '-e', receive];
    const debian = image.replace(/busybox$/, 'debian');
    await ok('pull', '-q', debian);
    await ok('run', '-d', '--name', 'one', ...publish, debian, ...listen);
    await waitFor('the first container to hear', async () => {
      await client('first');
      return (await heard('one')).includes('first');
    });
    const entries = (): Promise<string> => inHost('cat', '/proc/net/nf_conntrack');
    expect(await entries()).to.contain('dport=8093');
    await ok('rm', '-f', 'one');
    expect(await entries()).to.not.contain('dport=8093');
    // Nobody has the port: what comes makes an entry that leads nowhere.
    await client('lost');
    expect(await entries()).to.contain('dport=8093');
    await ok('run', '-d', '--name', 'two', ...publish, debian, ...listen);
    await waitFor('the second container to hear', async () => {
      await client('second');
      return (await heard('two')).includes('second');
    });
  });
});
