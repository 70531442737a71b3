/** Published ports: reached from where docker's documentation says, and from nowhere else. */
import { expect } from 'chai';
import http from 'node:http';
import dgram from 'node:dgram';
import { clients } from '../harness/clients.ts';
import { checked, run } from '../harness/command.ts';
import { HostNetwork } from '../harness/host-network.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

const servesHello = [
  ...['sh', '-c', 'mkdir -p /w; echo published > /w/index.html; exec httpd -f -h /w'],
];

/** The body that a GET from this process receives; rejects when nobody listens. */
function get(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host, port, timeout: 5000, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve(body.trim()));
    });
    request.on('timeout', () => request.destroy(new Error('timed out')));
    request.on('error', reject);
  });
}

for (const client of clients) {
  describe(`published ports, by ${client.name}`, () => {
    let stack: Stack;
    let busybox: string;
    let debian: string;
    const web = `published-${client.name}`;

    const { ok } = checked((...args) => client.run(stack, args));
    const portOf = async (inside: string): Promise<number> => {
      const [first = ''] = (await ok('port', web, inside)).split('\n');
      return Number(first.split(':').at(-1));
    };

    before(async function () {
      needRoot(this);
      client.need(this);
      const registry = await devRegistry(this);
      busybox = `${registry}/busybox`;
      debian = `${registry}/debian`;
      stack = await sharedStack();
      await ok('pull', busybox);
    });

    afterEach(async () => {
      await client.run(stack, ['rm', '-f', web]);
    });

    it('lead from loopback, the bridge and other containers to the container', async () => {
      await ok('run', '-d', '--name', web, '-p', '80', busybox, ...servesHello);
      const port = await portOf('80');
      await waitFor('the web server', () => get('127.0.0.1', port).then(Boolean, () => false));
      const gateway = await ok(
        ...['network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', 'bridge'],
      );
      for (const host of ['127.0.0.1', gateway]) {
        expect(await get(host, port), host).to.equal('published');
      }
      expect(
        await ok('run', '--rm', busybox, 'wget', '-qO-', `http://${gateway}:${port}/`),
      ).to.equal('published');
      expect(await ok('ps', '--filter', `name=${web}`, '--format', '{{.Ports}}')).to.contain(
        `0.0.0.0:${port}->80/tcp`,
      );
      await ok('stop', '-t', '0', web);
      expect(await get('127.0.0.1', port).catch(() => 'closed')).to.equal('closed');
    });

    it('carry UDP both ways', async () => {
      const script =
        '$s = IO::Socket::INET->new(LocalPort => 9, Proto => "udp"); while ($s->recv($m, 99)) { $s->send($m) }';
      const echo = ['perl', '-MIO::Socket::INET', '-e', script];
      await ok('pull', '-q', debian);
      await ok('run', '-d', '--name', web, '-p', '127.0.0.1::9/udp', debian, ...echo);
      const port = await portOf('9/udp');
      const socket = dgram.createSocket('udp4');
      try {
        const answered = new Promise<string>((resolve) => {
          socket.on('message', (message) => resolve(message.toString()));
        });
        await waitFor('the answer', async () => {
          socket.send('ping', port, '127.0.0.1');
          return (
            (await Promise.race([answered, new Promise((r) => setTimeout(r, 300))])) === 'ping'
          );
        });
      } finally {
        socket.close();
      }
    });

    it('are refused when they are taken, and nothing of the container stays', async () => {
      await ok('run', '-d', '--name', web, '-p', '80', busybox, ...servesHello);
      const port = await portOf('80');
      const second = await client.run(stack, [
        ...['run', '--rm', '-p', `${port}:80`, busybox, 'true'],
      ]);
      expect(second.status).to.equal(125);
      expect(second.stderr).to.contain(`${port}/tcp`).and.contain('port is already allocated');
    });

    it('lead on after the engine was killed', async () => {
      await ok('run', '-d', '--name', web, '-p', '80', busybox, ...servesHello);
      const port = await portOf('80');
      await stack.endEngined('SIGKILL');
      await stack.startEngined();
      expect(await portOf('80')).to.equal(port);
      await waitFor('the web server', () => get('127.0.0.1', port).then(Boolean, () => false));
      expect(await get('127.0.0.1', port)).to.equal('published');
    });

    it('are all of those that are exposed, with -P', async () => {
      const exposed = ['--expose', '80', '--expose', '81'];
      await ok('run', '-d', '--name', web, '-P', ...exposed, busybox, ...servesHello);
      expect(await ok('port', web)).to.match(/80\/tcp -> 0\.0\.0\.0:\d+/);
      expect(await ok('port', web, '81')).to.match(/0\.0\.0\.0:\d+/);
    });
  });
}

describe('published ports from outside', () => {
  let host: HostNetwork | undefined;
  let stack: Stack | undefined;

  before(async function () {
    this.timeout(60_000);
    needRoot(this);
    needPeers(this, 'ip', 'curl');
    host = await HostNetwork.create();
    const registry = await host.startRegistry();
    stack = await Stack.start({ netns: host.name });
    await stack.engineOk('pull', '-q', `${registry}/busybox`);
    const image = `${registry}/busybox`;
    const publish = ['-p', '8080:80', '-p', '127.0.0.1:8081:80'];
    await stack.engineOk('run', '-d', '--name', 'web', ...publish, image, ...servesHello);
  });

  after(async () => {
    await stack?.engineOk('rm', '-f', 'web').catch(() => undefined);
    await stack?.stop();
    await host?.remove();
  });

  const fromOutside = (port: number) =>
    run('ip', [
      ...['netns', 'exec', host?.outsideName ?? '', 'curl', '-s', '-m', '3'],
      `http://10.213.0.1:${port}/`,
    ]);

  it('are reached at every address, but not those of loopback', async () => {
    await waitFor('the web server', async () => (await fromOutside(8080)).stdout !== '');
    expect((await fromOutside(8080)).stdout.trim()).to.equal('published');
    expect((await fromOutside(8081)).status).to.not.equal(0);
  });

  it('are reached while engined is away', async () => {
    await stack?.endEngined('SIGKILL');
    expect((await fromOutside(8080)).stdout.trim()).to.equal('published');
    await stack?.startEngined();
    expect((await fromOutside(8080)).stdout.trim()).to.equal('published');
  });
});
