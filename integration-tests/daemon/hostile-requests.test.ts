/** Requests that nobody sends in good faith: the right status, and no cost to anybody but who sent them. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { ApiClient } from '../engine-api/api-client.ts';
import { needRoot } from '../harness/peers.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

describe('hostile requests', () => {
  let stack: Stack;
  let api: ApiClient;
  let descriptors: number;
  let containers: string;

  const countDescriptors = (): number => fs.readdirSync(`/proc/${stack.enginedPid}/fd`).length;

  before(async function () {
    needRoot(this);
    stack = await sharedStack();
    api = new ApiClient(stack.host);
    await api.call('GET', '/info');
  });

  beforeEach(async () => {
    descriptors = countDescriptors();
    containers = await stack.engineOk('ps', '-aq');
  });

  afterEach(async () => {
    expect((await api.call('GET', '/_ping')).body).to.equal('OK');
    expect(await stack.engineOk('ps', '-aq')).to.equal(containers);
    await waitFor('connections to be gone', () => countDescriptors() <= descriptors + 2);
  });

  /** Sends `bytes` as they are, closes that direction, and returns everything that comes back. */
  async function raw(bytes: string | Buffer): Promise<string> {
    const socket = net.connect({ path: stack.host.slice('unix://'.length), allowHalfOpen: true });
    socket.on('error', () => undefined); // a server may hang up on what it does not like
    socket.end(bytes);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise((resolve) => socket.once('close', resolve));
    return Buffer.concat(chunks).toString('latin1');
  }

  /** Status of the first answer; `0` when there is none. How many answers there are. */
  function answers(text: string): { first: number; count: number } {
    const found = [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)];
    return { first: Number(found[0]?.[1] ?? 0), count: found.length };
  }

  const head = (request: string, ...headers: string[]): string =>
    [`${request} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n');

  it('does not let one request hide another', async () => {
    const hidden = head('GET /info');
    const cases: [string, string][] = [
      [
        'two lengths',
        `${head('POST /volumes/create', 'Content-Length: 2', 'Content-Length: 40')}{}${hidden}`,
      ],
      [
        'a length and chunks',
        `${head('POST /volumes/create', 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n${hidden}`,
      ],
      [
        'chunks of another name',
        `${head('POST /volumes/create', 'Transfer-Encoding: xchunked')}0\r\n\r\n${hidden}`,
      ],
      [
        'a space before the colon',
        `${head('POST /volumes/create', 'Transfer-Encoding : chunked')}0\r\n\r\n${hidden}`,
      ],
      ['lines that end with LF', `GET /_ping HTTP/1.1\nHost: x\nContent-Length: 3\n\n${hidden}`],
      [
        'a folded header',
        `${head('POST /volumes/create', 'X: y\r\n Content-Length: 50')}${hidden}`,
      ],
      ['a length below zero', `${head('POST /volumes/create', 'Content-Length: -1')}${hidden}`],
      [
        'a length that overflows',
        `${head('POST /volumes/create', 'Content-Length: 99999999999999999999')}${hidden}`,
      ],
      [
        'a chunk that overflows',
        `${head('POST /volumes/create', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}fffffffffffffffffff\r\n{}`,
      ],
      ['NUL in a header', head('GET /_ping', 'X: a\0b')],
      ['no host', 'GET /_ping HTTP/1.1\r\n\r\n'],
      ['another protocol', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ];
    for (const [name, bytes] of cases) {
      const { first, count } = answers(await raw(bytes));
      expect(first, name).to.be.oneOf([0, 400, 431, 501, 505]);
      expect(count, name).to.be.at.most(1);
    }
  });

  it('limits headers, paths and bodies', async () => {
    const big = 'x'.repeat(2 << 20);
    expect(answers(await raw(head('GET /_ping', `X-Registry-Auth: ${big}`))).first).to.be.oneOf([
      0, 431,
    ]);
    expect(
      answers(await raw(head('GET /_ping', `X-Registry-Auth: ${big.slice(0, 500_000)}`))).first,
    ).to.equal(200);
    expect(
      answers(await raw(head(`GET /containers/${big.slice(0, 500_000)}/json`))).first,
    ).to.equal(414);
    const json = 'application/json';
    const long = await api.send(
      'POST',
      '/volumes/create',
      { 'Content-Type': json },
      `{"Name":"${'x'.repeat(9 << 20)}"}`,
    );
    expect([long.status, long.body]).to.deep.equal([
      400,
      { message: 'request body is larger than 8388608 bytes' },
    ]);
    for (const bomb of [
      '['.repeat(4 << 20),
      '{"a":'.repeat(1 << 20),
      `{"Labels":${'{"a":'.repeat(9000)}1${'}'.repeat(9001)}`,
    ]) {
      const { status } = await api.send('POST', '/volumes/create', { 'Content-Type': json }, bomb);
      expect(status).to.equal(400);
    }
    const wide = `{"Labels":{${Array.from({ length: 300_000 }, (_, index) => `"k${index}":7`).join(',')}}}`;
    expect(
      (await api.send('POST', '/volumes/create', { 'Content-Type': json }, wide)).status,
    ).to.equal(400);
  });

  it('answers others while requests stay unfinished, and forgets those that end in the middle', async () => {
    const path = stack.host.slice('unix://'.length);
    const sockets = Array.from({ length: 100 }, (_, index) => {
      const socket = net.connect(path);
      socket.on('error', () => undefined);
      const full = head(
        'POST /containers/create',
        'Content-Type: application/json',
        'Content-Length: 1000',
      );
      socket.write(index % 2 === 0 ? full.slice(0, 20) : `${full}{"Image":`);
      return socket;
    });
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const started = performance.now();
    expect((await api.call('GET', '/_ping')).body).to.equal('OK');
    expect(performance.now() - started).to.be.below(5_000);
    for (const socket of sockets) socket.destroy();
  });

  it('hijacks nothing for whoever only says so', async () => {
    for (const path of [
      '/containers/nosuch/attach?stream=1',
      '/exec/nosuch/start',
      '/info',
      '/session',
    ]) {
      const answer = await raw(
        head(`POST ${path}`, 'Connection: Upgrade', 'Upgrade: tcp', 'Content-Length: 0'),
      );
      expect(answers(answer).first, path).to.be.within(400, 501);
      expect(answer).to.not.include('101 ');
    }
  });

  it('survives any bytes', async () => {
    const word = fc.constantFrom(
      ...[
        'GET ',
        'POST ',
        '/containers/',
        'json',
        '..',
        '%2e%2e',
        '%00',
        '%',
        '?filters=',
        '{"a":',
        '[',
        ' HTTP/1.1\r\n',
      ],
      ...[
        'Host: x\r\n',
        'Content-Length: ',
        '5',
        '\r\n',
        'Transfer-Encoding: chunked\r\n',
        'Upgrade: tcp\r\n',
        'Connection: Upgrade\r\n',
        '\0',
        '\n',
      ],
      ...[
        '/exec/',
        '/start',
        '/images/',
        '/v1.',
        '99',
        '/archive?path=../../etc',
        'application/json',
      ],
    );
    const request = fc.oneof(
      fc.array(word, { maxLength: 25 }).map((words) => Buffer.from(words.join(''))),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(request, async (bytes) => {
        const { first } = answers(await raw(bytes));
        expect(first).to.not.equal(500);
      }),
      { numRuns: 300 },
    );
  });

  it('gives every path and filter a status of its own making, never 500', async () => {
    const name = fc.oneof(
      fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }),
      fc.constantFrom(
        '..',
        '../../etc/passwd',
        'a/b',
        'a\0b',
        '\u{202e}x',
        '%2e%2e',
        'sha256:',
        '@',
        '-',
      ),
    );
    const target = fc.tuple(
      fc.constantFrom('containers', 'images', 'networks', 'volumes', 'exec', 'plugins', 'services'),
      name.map(encodeURIComponentSafely),
      fc.constantFrom(
        '',
        '/json',
        '/archive?path=/',
        '/top',
        '/history',
        '/logs?stdout=1',
        '/changes',
      ),
    );
    await fc.assert(
      fc.asyncProperty(target, fc.jsonValue(), async ([kind, id, verb], filters) => {
        const { status } = await api.call('GET', `/${kind}/${id}${verb}`);
        expect(status, `/${kind}/${id}${verb}`).to.be.oneOf([200, 301, 400, 404, 501, 503]);
        const query = encodeURIComponentSafely(JSON.stringify(filters));
        const listed = await api.call('GET', `/containers/json?filters=${query}`);
        expect(listed.status, query).to.be.oneOf([200, 400]);
      }),
      { numRuns: 100 },
    );
  });
});

/** Lone surrogates have no encoding. */
function encodeURIComponentSafely(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '?'));
}
