import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { silentLogger } from '#lib/log/logger';
import { StackError } from '#spec/errors';
import type { Route } from '../../src/http/router.ts';
import { ApiServer } from '../../src/http/server.ts';

/** Tells what the body was, then gives back what was sent, once that ended. */
const echo: Route['handler'] = async (request, response) => {
  const body = await request.json();
  const { input, output } = response.hijack('application/vnd.docker.raw-stream');
  output.write(`${JSON.stringify(body)}|`);
  const chunks: Buffer[] = [];
  for await (const chunk of input.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
  }
  output.end(Buffer.concat([Buffer.from('after eof: '), ...chunks]));
};

const routes: Route[] = [
  { method: 'POST', path: '/exec/{id}/start', hijacks: 'raw', handler: echo },
  { method: 'POST', path: '/containers/{name}/attach', hijacks: 'raw', handler: echo },
  {
    method: 'GET',
    path: '/socket',
    hijacks: 'webSocket',
    handler: async (_request, response) => {
      const { input, output } = await response.webSocket();
      for await (const chunk of input.iterator({ destroyOnReturn: false })) {
        output.write(Buffer.concat([Buffer.from('> '), chunk as Buffer]));
      }
    },
  },
  {
    method: 'POST',
    path: '/echo',
    hijacks: 'raw',
    handler: echo,
  },
  {
    method: 'POST',
    path: '/refused',
    hijacks: 'raw',
    handler: async () => {
      throw new StackError('conflict', 'container is not running');
    },
  },
  {
    method: 'GET',
    path: '/big',
    handler: async (_request, response) => response.json(200, { timeNano: 1234567890123456789n }),
  },
  {
    method: 'GET',
    path: '/same',
    handler: async () => {
      throw new StackError('not_modified', 'already');
    },
  },
];

describe('ApiServer', () => {
  let folder: string;
  let socketPath: string;
  let server: ApiServer;

  beforeEach(async () => {
    folder = await fs.promises.mkdtemp(path.join(os.tmpdir(), 'engine-http-'));
    socketPath = path.join(folder, 'api.sock');
    server = new ApiServer({ routes, version: '9', logger: silentLogger });
    await server.listen({ listener: { kind: 'unix', path: socketPath }, tls: undefined });
  });

  afterEach(async () => {
    await server.close();
    await fs.promises.rm(folder, { recursive: true });
  });

  async function get(target: string): Promise<{ response: http.IncomingMessage; body: string }> {
    const request = http.get({ socketPath, path: target, agent: false });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { response, body: Buffer.concat(chunks).toString() };
  }

  /** Sends `head`, then (in a packet of its own) `rest`, half-closes, and returns everything that comes back. */
  async function raw(head: string, rest: string): Promise<string> {
    const socket = net.connect({ path: socketPath, allowHalfOpen: true });
    socket.write(head);
    await new Promise((resolve) => setTimeout(resolve, 30));
    socket.end(rest);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }

  const upgrade = (target: string, length: number): string =>
    `POST ${target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

  it('separates the body of an upgraded request from the stream, and keeps writing after the client half-closed', async () => {
    const answer = await raw(`${upgrade('/echo', 7)}{"a":1}first `, 'second');
    expect(answer).to.match(/^HTTP\/1\.1 101 UPGRADED\r\n/);
    expect(answer).to.include('Content-Type: application/vnd.docker.raw-stream\r\n');
    expect(answer.split('\r\n\r\n')[1]).to.equal('{"a":1}|after eof: first second');
  });

  it('reads a body that comes after the head', async () => {
    const answer = await raw(upgrade('/echo', 7), '{"a":1}stdin');
    expect(answer.split('\r\n\r\n')[1]).to.equal('{"a":1}|after eof: stdin');
  });

  const plain = (target: string, headers = ''): string =>
    `POST ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;

  it('gives the connection to clients that ask for no upgrade, body or not', async () => {
    const withBody = plain(
      '/v1.24/exec/1/start',
      'Content-Type: application/json\r\nContent-Length: 7\r\n',
    );
    for (const [head, rest, expected] of [
      [`${withBody}{"a":1}first `, 'second', '{"a":1}|after eof: first second'],
      [withBody, '{"a":1}PUT / HTTP/1.1', '{"a":1}|after eof: PUT / HTTP/1.1'],
      [plain('/containers/web/attach?stdin=1'), 'GET', 'undefined|after eof: GET'],
      [
        plain('/containers/web/attach').slice(0, 30),
        `${plain('/containers/web/attach').slice(30)}in`,
        'undefined|after eof: in',
      ],
    ] as const) {
      const answer = await raw(head, rest);
      const [answered, stream] = answer.split('\r\n\r\n');
      expect(answered).to.equal(
        'HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream',
      );
      expect(stream).to.equal(expected);
    }
  });

  it('reads requests that come in pieces, and several on one connection', async () => {
    const first = 'GET /same HTTP/1.1\r\nHost: x\r\n\r\n';
    expect(await raw(first.slice(0, 2), first.slice(2))).to.match(/^HTTP\/1\.1 304/);
    const socket = net.connect(socketPath);
    for (let request = 0; request < 2; request++) {
      socket.write(first);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).to.match(/^HTTP\/1\.1 304/);
    }
    socket.destroy();
    expect(await raw('', '')).to.equal('');
    expect(await raw('POST /echo HTTP/1.1\r\n', '')).to.match(/^(HTTP\/1.1 400 |$)/);
  });

  it('takes a connection over as a WebSocket', async () => {
    const client = new WebSocket(`ws+unix:${socketPath}:/v1.42/socket`);
    await once(client, 'open');
    client.send('hello');
    const [message, isBinary] = (await once(client, 'message')) as [Buffer, boolean];
    expect([message.toString(), isBinary]).to.deep.equal(['> hello', true]);
    client.close();
    await once(client, 'close');
    expect((await get('/socket')).response.statusCode).to.equal(400);
  });

  it('answers an upgrade that fails like any request', async () => {
    const answer = await raw(upgrade('/refused', 0), '');
    expect(answer).to.match(/^HTTP\/1\.1 409 Conflict\r\n/);
    expect(answer).to.include('{"message":"container is not running"}');
  });

  it('writes integers above 2^53 with all their digits', async () => {
    expect((await get('/v1.51/big')).body).to.equal('{"timeNano":1234567890123456789}\n');
  });

  it('says which API it speaks, and 404 for what it does not know', async () => {
    const { response, body } = await get('/nope');
    expect(response.statusCode).to.equal(404);
    expect(body).to.equal('{"message":"page not found"}\n');
    expect(response.headers).to.include({
      'api-version': '1.51',
      ostype: 'linux',
      server: 'Docker/9 (linux)',
    });
  });

  it('refuses versions it does not speak', async () => {
    const old = await get('/v1.12/big');
    expect(old.response.statusCode).to.equal(400);
    expect(old.body).to.include('client version 1.12 is too old');
    expect((await get('/v1.99/big')).body).to.include('client version 1.99 is too new');
  });

  it('answers 304 without a body', async () => {
    const { response, body } = await get('/same');
    expect([response.statusCode, body]).to.deep.equal([304, '']);
  });

  it('keeps strangers off its socket and refuses to take a living one', async () => {
    expect((await fs.promises.stat(socketPath)).mode & 0o777).to.equal(0o660);
    const second = new ApiServer({ routes, version: '9', logger: silentLogger });
    let message = '';
    await second
      .listen({ listener: { kind: 'unix', path: socketPath }, tls: undefined })
      .catch((error: unknown) => {
        message = String(error);
      });
    expect(message).to.include('another process answers there');
  });
});
