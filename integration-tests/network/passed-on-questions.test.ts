/** Questions that no container's name answers: by which transport and from where they are passed on. */
import { spawn, type ChildProcess } from 'node:child_process';
import readline from 'node:readline';
import { expect } from 'chai';
import { checked, runOk } from '../harness/command.ts';
import { clients } from '../harness/clients.ts';
import { HostNetwork } from '../harness/host-network.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

const docker = clients.find(({ name }) => name === 'docker')!;

/** A name server that sends every question back as its answer, and prints who asked. */
const nameServer = `
  const dgram = require('dgram'), net = require('net');
  const answer = (m) => { m[2] |= 0x80; return m; };
  for (const address of ['10.213.0.2', '2001:db8:213::2']) {
    const udp = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
    udp.on('message', (m, from) => { console.log('udp', from.address); udp.send(answer(m), from.port, from.address); });
    udp.bind(53, address);
    net.createServer((s) => s.on('data', (m) => {
      console.log('tcp', s.remoteAddress);
      s.end(Buffer.concat([m.subarray(0, 2), answer(m.subarray(2))]));
    })).listen(53, address);
  }
  console.log('ready');
`;
/** Asks for example.test by TCP, in octal for printf; the id is 0x1234. */
const question =
  '\\022\\064\\001\\000\\000\\001\\000\\000\\000\\000\\000\\000\\007example\\004test\\000\\000\\001\\000\\001';

describe('questions that are passed on', () => {
  let host: HostNetwork;
  let stack: Stack;
  let image: string;
  let server: ChildProcess | undefined;
  const asked: string[] = [];

  const { ok } = checked((...args) => docker.run(stack, args));

  before(async function () {
    this.timeout(90_000);
    needRoot(this);
    docker.need(this);
    needPeers(this, 'ip');
    host = await HostNetwork.create();
    image = `${await host.startRegistry()}/busybox`;
    const ip = (name: string, ...args: string[]) => runOk('ip', ['-n', name, ...args]);
    await ip(host.name, 'addr', 'add', '2001:db8:213::1/64', 'dev', 'wan0', 'nodad');
    await ip(host.outsideName, 'addr', 'add', '2001:db8:213::2/64', 'dev', 'wan1', 'nodad');
    await ip(host.outsideName, 'route', 'add', '10.194.0.0/24', 'via', '10.213.0.1');
    await ip(host.outsideName, 'route', 'add', 'fd00:94::/64', 'via', '2001:db8:213::1');
    const args = ['netns', 'exec', host.outsideName, process.execPath, '-e', nameServer];
    server = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    if (server.stdout) {
      readline.createInterface({ input: server.stdout }).on('line', (line) => asked.push(line));
    }
    await waitFor('the name server', () => asked.includes('ready'));
    stack = await Stack.start({ netns: host.name });
    await ok('pull', image);
    // Without masquerading the name server sees who asks.
    await ok(
      ...['network', 'create', '--ipv6', '--subnet', '10.194.0.0/24', '--subnet', 'fd00:94::/64'],
      ...['-o', 'com.docker.network.bridge.enable_ip_masquerade=false', 'asks'],
    );
  });

  after(async () => {
    server?.kill('SIGKILL');
    await (stack as Stack | undefined)?.stop(); // neither where a peer is missing
    await (host as HostNetwork | undefined)?.remove();
  });

  for (const [dns, from] of [
    ['10.213.0.2', '10.194.0.2'],
    ['2001:db8:213::2', 'fd00:94::2'],
  ] as const) {
    it(`leave from the container, by UDP and by TCP, to ${dns}`, async () => {
      asked.length = 0;
      const byTcp = `(printf '\\000\\036${question}'; sleep 2) | nc 127.0.0.11 53 | od -An -tx1`;
      const run = ['run', '--rm', '--network', 'asks', '--dns', dns, image];
      const reply = await ok(...run, 'sh', '-c', byTcp);
      expect(reply).to.contain('12 34 81 00');
      expect(asked).to.deep.equal([`tcp ${from}`]);
      asked.length = 0;
      await docker.run(stack, [...run, 'nslookup', '-type=a', 'example.test']);
      expect(asked[0]).to.equal(`udp ${from}`);
    });
  }
});
