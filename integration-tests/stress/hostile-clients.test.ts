/** Clients that send what no client should: each is refused by itself, and the daemons go on within bounded memory. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import { ApiClient } from '../engine-api/api-client.ts';
import { needRoot } from '../harness/peers.ts';
import { Stack } from '../harness/stack.ts';
import { anonymousKilobytes, openDescriptors } from '../harness/footprint.ts';

describe('hostile clients', () => {
  const stacks: Stack[] = [];
  let stack: Stack;
  let api: ApiClient;

  before(async function () {
    needRoot(this);
    stack = await Stack.start();
    stacks.push(stack);
    api = new ApiClient(stack.host);
  });

  after(async () => {
    for (const started of stacks) await started.stop();
  });

  /** Everything still works, with the processes that there were. */
  async function expectAlive(pids: { engined: number; containerd: number }): Promise<void> {
    expect(await stack.engineOk('run', '--rm', 'hello')).to.contain('Hello');
    expect({ engined: stack.enginedPid, containerd: stack.containerdPid }).to.deep.equal(pids);
    for (const pid of Object.values(pids)) {
      expect(anonymousKilobytes(pid)).to.be.lessThan(300_000);
      expect(openDescriptors(pid)).to.be.lessThan(100);
    }
  }

  const pidsNow = () => ({ engined: stack.enginedPid, containerd: stack.containerdPid });

  it('send the engine what is not HTTP, too much of it, or half of it', async () => {
    const pids = pidsNow();
    const socket = stack.host.replace('unix://', '');
    const post =
      'POST /containers/create HTTP/1.1\r\nHost: e\r\nContent-Type: application/json\r\n';
    const long = 'a'.repeat(9_000_000);
    const expected: [what: string, bytes: string | Buffer, answer: RegExp][] = [
      ['noise', noise(100_000), /^HTTP\/1.1 400 /],
      [
        'a header of two megabytes',
        `GET /_ping HTTP/1.1\r\nX: ${'a'.repeat(2e6)}\r\n\r\n`,
        /^$|^HTTP\/1.1 431 /,
      ],
      [
        'a body that is too large',
        `${post}Content-Length: ${long.length}\r\n\r\n${long}`,
        /^HTTP\/1.1 400 /,
      ],
      [
        'broken JSON',
        `${post}Content-Length: 5\r\nConnection: close\r\n\r\n{"a":`,
        /^HTTP\/1.1 400 /,
      ],
      [
        'deep JSON',
        `${post}Content-Length: 2000000\r\nConnection: close\r\n\r\n${'['.repeat(1e6)}${']'.repeat(1e6)}`,
        /^HTTP\/1.1 400 /,
      ],
      ['a body that never comes', `${post}Content-Length: 100\r\n\r\n{`, /^$|^HTTP\/1.1 400 /],
      [
        'an upgrade of nothing',
        'POST /containers/none/attach HTTP/1.1\r\nHost: e\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
        /^HTTP\/1.1 404 /,
      ],
      [
        'an exec without a body',
        'POST /exec/none/start HTTP/1.1\r\nHost: e\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
        /^HTTP\/1.1 40[04] /,
      ],
    ];
    for (const [what, bytes, answer] of expected) {
      expect(await exchange(socket, bytes), what).to.match(answer);
    }
    await expectAlive(pids);
  });

  it('name containers by paths', async () => {
    const pids = pidsNow();
    for (const name of ['..', '../../etc/passwd', '%2e%2e%2f%2e%2e', 'a/b', '%00', '%']) {
      for (const [method, action] of [
        ['GET', '/json'],
        ['POST', '/start'],
        ['DELETE', ''],
      ] as const) {
        const { status } = await api.call(method, `/containers/${name}${action}`);
        // 301: to the path without "..", which names no container, as docker answers.
        expect([301, 400, 404], `${method} ${name.slice(0, 30)}${action}`).to.include(status);
      }
      const { status } = await api.call('POST', `/containers/create?name=${name}`, {
        Image: 'hello',
      });
      expect(status, `create ${name.slice(0, 30)}`).to.equal(400);
    }
    await expectAlive(pids);
  });

  it('give every field of a container the wrong type', async () => {
    const pids = pidsNow();
    const fields = [
      'Image',
      'Cmd',
      'Env',
      'User',
      'Labels',
      'ExposedPorts',
      'HostConfig',
      'StopTimeout',
    ];
    for (const field of fields) {
      for (const value of [{ a: { b: [] } }, [[[]]], -1, 1e308, true, 'x']) {
        const body = { Image: 'hello', [field]: value };
        const { status, body: answer } = await api.call('POST', '/containers/create', body);
        expect([201, 400, 404], `${JSON.stringify(body)} ${JSON.stringify(answer)}`).to.include(
          status,
        );
      }
    }
    const left = (await stack.engineOk('ps', '-aq')).split('\n').filter(Boolean);
    if (left.length > 0) await stack.engineOk('rm', ...left);
    await expectAlive(pids);
  });

  it('send noise to both sockets of containerd-lite', async () => {
    const pids = pidsNow();
    const id = await stack.engineOk('create', '--name', 'noisy', 'hello').catch(() => '');
    const folder = path.join(stack.root, 'run/containerd-lite');
    const sockets = ['containerd-lite.sock', 'containerd-lite.sock.ttrpc'].map((name) =>
      path.join(folder, name),
    );
    for (const socket of sockets) {
      for (const bytes of [
        noise(100_000),
        hugeFrame,
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      ]) {
        for (let client = 0; client < 10; client++) await exchange(socket, bytes);
      }
    }
    if (id !== '') await stack.engineOk('rm', 'noisy');
    await expectAlive(pids);
    expect(fs.existsSync(folder)).to.equal(true);
  });
});

/** The head of a ttrpc message of 4 GB. */
const hugeFrame = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 1, 0]);

/** Bytes that look like nothing, the same at every run. */
function noise(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 7919 + (index >> 3)) & 0xff));
}

/** Sends `bytes` and waits up to a second for what comes back. */
function exchange(socketPath: string, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = net.connect(socketPath);
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(finish, 300);
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', finish);
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (answer.includes('\r\n\r\n')) finish();
    });
    socket.write(bytes);
  });
}
