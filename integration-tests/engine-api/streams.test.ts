/** Attach, exec and logs as clients of every age ask for them, and clients that do not read. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';
import { anonymousKilobytes, openDescriptors } from '../harness/footprint.ts';
import { ApiClient, demultiplex, framesOf, readToEnd } from './api-client.ts';

describe('streams of the Engine API', () => {
  let stack: Stack;
  let api: ApiClient;
  let busybox: string;

  before(async function () {
    needRoot(this);
    busybox = `${await devRegistry(this)}/busybox`;
    stack = await Stack.start();
    await stack.engineOk('pull', '-q', busybox);
    api = new ApiClient(stack.host);
  });

  after(async () => {
    await stack.stop();
  });

  async function create(name: string, script: string, more: object = {}): Promise<void> {
    const { status, body } = await api.call('POST', `/containers/create?name=${name}`, {
      Image: busybox,
      Cmd: ['sh', '-c', script],
      ...more,
    });
    expect(status, JSON.stringify(body)).to.equal(201);
  }

  /** A request without an Upgrade header, on a connection of its own; resolves with its socket and what came so far. */
  async function plain(path: string, body = ''): Promise<{ socket: net.Socket; first: Buffer }> {
    const socket = net.connect({ path: stack.host.replace('unix://', ''), allowHalfOpen: true });
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: e\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    let head = '';
    while (!head.includes('\r\n\r\n')) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      head += chunk.toString('latin1');
    }
    socket.pause();
    expect(head).to.match(/^HTTP\/1.1 200 OK\r\n/);
    const first = head.slice(head.indexOf('\r\n\r\n') + 4);
    return { socket, first: Buffer.from(first, 'latin1') };
  }

  it('carry stdin of attach and exec without an Upgrade header', async () => {
    await create('old', 'cat; echo done', { OpenStdin: true, StdinOnce: true });
    const attached = await plain('/v1.24/containers/old/attach?stream=1&stdin=1&stdout=1&stderr=1');
    await api.call('POST', '/containers/old/start');
    attached.socket.end('typed');
    const output = await readToEnd({ ...attached, head: '' });
    expect(demultiplex(output).stdout).to.equal('typeddone\n');
    await api.call('DELETE', '/containers/old');

    await create('host', 'sleep 1000');
    await api.call('POST', '/containers/host/start');
    const { body } = await api.call('POST', '/containers/host/exec', {
      Cmd: ['cat'],
      AttachStdin: true,
      AttachStdout: true,
    });
    const { Id: id } = body as { Id: string };
    const exec = await plain(`/exec/${id}/start`, '{"Detach":false}');
    exec.socket.end('to the exec');
    expect(demultiplex(await readToEnd({ ...exec, head: '' })).stdout).to.equal('to the exec');
    const inspected = await api.call('GET', `/exec/${id}/json`);
    expect(inspected.body).to.include({ Running: false, ExitCode: 0 });
    await stack.engineOk('rm', '-f', 'host');
  });

  it('come through a WebSocket unframed, with what was logged before', async () => {
    await create('ws', 'echo before; read line; echo "got $line" >&2', { OpenStdin: true });
    await api.call('POST', '/containers/ws/start');
    await waitFor('a log', async () => (await stack.engineOk('logs', 'ws')) === 'before');
    const query = 'logs=1&stream=1&stdin=1&stdout=1&stderr=1';
    const path = stack.host.replace('unix://', '');
    const client = new WebSocket(`ws+unix:${path}:/v1.45/containers/ws/attach/ws?${query}`);
    const received: Buffer[] = [];
    client.on('message', (data: Buffer, isBinary) => {
      expect(isBinary).to.equal(true);
      received.push(data);
    });
    const closed = once(client, 'close');
    await once(client, 'open');
    client.send('hello\n');
    await closed;
    expect(Buffer.concat(received).toString()).to.equal('before\ngot hello\n');
    const refused = await api.call('GET', '/containers/ws/attach/ws');
    expect(refused.status).to.equal(400);
    await stack.engineOk('rm', '-f', 'ws');
  });

  it('hold back the container whose client does not read, and nobody else', async function () {
    this.timeout(60_000);
    await create(
      'stalled',
      'i=0; while :; do i=$((i+1)); echo $i > /n; head -c 65536 /dev/zero; done',
      {
        HostConfig: { LogConfig: { Type: 'none' } },
      },
    );
    const stalled = await api.hijack('/containers/stalled/attach?stream=1&stdout=1');
    await api.call('POST', '/containers/stalled/start');
    const written = async () => Number(await stack.engineOk('exec', 'stalled', 'cat', '/n'));
    // The FIFO holds a megabyte, engined and the connection less than another.
    let last = 0;
    await waitFor('the container to stop', async () => {
      const now = await written();
      const stands = now > 0 && now === last;
      last = now;
      return stands;
    });
    expect(last * 65536).to.be.within(1024 * 1024, 3 * 1024 * 1024);
    expect(await stack.engineOk('run', '--rm', busybox, 'echo', 'free')).to.equal('free');
    // One that leaves in the middle of a frame lets it go on.
    stalled.socket.destroy();
    await waitFor('the container to go on', async () => (await written()) > last + 10);
    await stack.engineOk('rm', '-f', 'stalled');
  });

  it('let a reader of the log be as slow as it likes', async function () {
    this.timeout(60_000);
    await create('logged', `yes ${'x'.repeat(79)} | head -c 20000000`);
    await api.call('POST', '/containers/logged/start');
    const slow = await api.open('GET', '/containers/logged/logs?follow=1&stdout=1');
    slow.pause();
    expect(await stack.engineOk('wait', 'logged')).to.equal('0');
    const before = anonymousKilobytes(stack.enginedPid);
    slow.destroy();
    expect(before).to.be.lessThan(300_000);
    await stack.engineOk('rm', '-f', 'logged');
  });

  it('give each line of a log a frame of its own, but for clients that copy frames', async () => {
    await create('framed', 'seq 1 1000; echo end >&2');
    await api.call('POST', '/containers/framed/start');
    expect(await stack.engineOk('wait', 'framed')).to.equal('0');
    const path = '/containers/framed/logs?stdout=1&stderr=1';
    const logs = async (agent: string): Promise<Buffer> => {
      const chunks: Buffer[] = [];
      const body = await api.open('GET', path, undefined, { 'User-Agent': agent });
      for await (const chunk of body) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    };
    const apart = framesOf(await logs('Go-http-client/1.1'));
    expect(apart).to.have.length(1001);
    const joined = framesOf(await logs('Docker-Client/28.2.2 (linux)'));
    expect(joined.length).to.be.lessThan(10);
    for (const number of [1, 2]) {
      const textOf = (frames: typeof apart) =>
        frames.map(({ stream, text }) => (stream === number ? text : '')).join('');
      expect(textOf(joined)).to.equal(textOf(apart));
    }
    await stack.engineOk('rm', '-f', 'framed');
  });

  it('leave nothing behind of a hundred clients that come and go', async function () {
    this.timeout(60_000);
    await create('busy', 'while :; do echo line; sleep 0.01; done');
    await api.call('POST', '/containers/busy/start');
    const before = openDescriptors(stack.enginedPid);
    for (let round = 0; round < 2; round++) {
      const clients = await Promise.all(
        Array.from({ length: 50 }, async () => {
          const { socket } = await api.hijack('/containers/busy/attach?stream=1&stdout=1');
          const logs = await api.open('GET', '/containers/busy/logs?follow=1&stdout=1');
          return { socket, logs };
        }),
      );
      expect(openDescriptors(stack.enginedPid)).to.be.at.least(before + 100);
      for (const { socket, logs } of clients) {
        socket.destroy();
        logs.destroy();
      }
      await waitFor(
        'the connections to end',
        () => openDescriptors(stack.enginedPid) <= before + 5,
      );
    }
    await stack.engineOk('rm', '-f', 'busy');
  });

  it('survive a client that takes a byte a second and leaves', async () => {
    await create('drip', 'yes');
    const { socket } = await api.hijack('/containers/drip/attach?stream=1&stdout=1');
    await api.call('POST', '/containers/drip/start');
    for (let byte = 0; byte < 2; byte++) {
      await waitFor('a byte', () => socket.read(1) !== null, 20_000);
    }
    socket.destroy();
    expect(fs.existsSync(`/proc/${stack.enginedPid}`)).to.equal(true);
    await stack.engineOk('rm', '-f', 'drip');
  });
});
