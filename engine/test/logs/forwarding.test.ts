import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { DatagramSocket } from '#lib/sys/datagram-socket';
import { decodeContainerConfig } from '../../src/api/container-config.ts';
import type { ContainerRecord } from '../../src/daemon/container.ts';
import { connectJournal } from '../../src/logs/journald.ts';
import { LineForwarder } from '../../src/logs/line-forwarder.ts';
import type { LogSink } from '../../src/logs/log-sink.ts';
import { checkLogConfig } from '../../src/logs/log-drivers.ts';
import { connectSyslog } from '../../src/logs/syslog.ts';

const record = {
  id: 'abcdef012345'.padEnd(64, '0'),
  name: 'web',
  imageId: `sha256:${'1'.repeat(64)}`,
  config: decodeContainerConfig(
    { Image: 'busybox', Labels: { tier: 'a', other: 'b' }, Env: ['MODE=x=y', 'SECRET=s'] },
    '',
  ),
} as unknown as ContainerRecord; // the parts that are used here

/** Sends two lines and an unfinished one, and ends. */
async function forward(sink: LogSink): Promise<void> {
  const forwarder = new LineForwarder({ sink, bufferBytes: undefined, report: () => undefined });
  await forwarder.write('stdout', Buffer.from('one\ntw'));
  await forwarder.write('stderr', Buffer.from('bad\n'));
  await forwarder.write('stdout', Buffer.from('o\nend'));
  forwarder.end();
  await forwarder.close();
}

const pid = String(process.pid);

describe('the log driver syslog', () => {
  let folder: string;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'syslog-'))));
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  it('sends a datagram for each line by UDP, errors with their severity', async () => {
    const server = dgram.createSocket('udp4');
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    const received: string[] = [];
    const all = new Promise<void>((resolve) => {
      server.on('message', (message) => {
        if (received.push(message.toString()) === 4) resolve();
      });
    });
    const address = `udp://127.0.0.1:${server.address().port}`;
    await forward(
      await connectSyslog({ 'syslog-address': address, tag: '{{.Name}}/{{.ID}}' }, record),
    );
    await all;
    server.close();
    const texts = received.map((message) =>
      message.replace(/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d/, 'TIME'),
    );
    expect(texts).to.deep.equal([
      `<30>TIME web/abcdef012345[${pid}]: one\n`,
      `<27>TIME web/abcdef012345[${pid}]: bad\n`,
      `<30>TIME web/abcdef012345[${pid}]: two\n`,
      `<30>TIME web/abcdef012345[${pid}]: end\n`,
    ]);
  });

  it('writes RFC 5424 to a TCP server, and comes back to one that was away', async () => {
    const sockets: net.Socket[] = [];
    let received = '';
    const server = net.createServer((socket) => {
      sockets.push(socket);
      socket.on('data', (data) => (received += data.toString()));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const options = {
      'syslog-address': `tcp://127.0.0.1:${port}`,
      'syslog-format': 'rfc5424micro',
      'syslog-facility': 'local3',
    };
    const sink = await connectSyslog(options, record);
    const forwarder = new LineForwarder({ sink, bufferBytes: undefined, report: () => undefined });
    await forwarder.write('stdout', Buffer.from('first\n'));
    while (!received.includes('first')) await new Promise(setImmediate);
    for (const socket of sockets.splice(0)) socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await forwarder.write('stdout', Buffer.from('second\n'));
    while (!received.includes('second')) await new Promise(setImmediate);
    forwarder.end();
    await forwarder.close();
    server.close();
    for (const line of received.trimEnd().split('\n')) {
      expect(line).to.match(
        /^<158>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ abcdef012345 \d+ abcdef012345 - (first|second)$/,
      );
    }
  });

  it('speaks to a unix socket of either kind', async () => {
    const datagrams = path.join(folder, 'datagrams');
    const receiver = new DatagramSocket(datagrams);
    await forward(await connectSyslog({ 'syslog-address': `unixgram://${datagrams}` }, record));
    const messages: string[] = [];
    for (let next = receiver.receive(); next !== undefined; next = receiver.receive())
      messages.push(next);
    receiver.close();
    expect(messages.filter(Boolean).map((text) => text.replace(/^.*: /s, ''))).to.deep.equal([
      'one\n',
      'bad\n',
      'two\n',
      'end\n',
    ]);
    const stream = path.join(folder, 'stream');
    let received = '';
    const server = net.createServer((socket) =>
      socket.on('data', (data) => (received += data.toString())),
    );
    server.listen(stream);
    await once(server, 'listening');
    await forward(await connectSyslog({ 'syslog-address': `unix://${stream}` }, record));
    while (!received.includes('end')) await new Promise(setImmediate);
    server.close();
    expect(received.match(/: (one|bad|two|end)\n/g)).to.have.lengthOf(4);
  });

  it('says who does not answer', async () => {
    const server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    server.close();
    await once(server, 'close');
    const failure = await connectSyslog(
      { 'syslog-address': `tcp://127.0.0.1:${port}` },
      record,
    ).catch(String);
    expect(failure).to.contain('ECONNREFUSED').and.to.contain(String(port));
  });
});

describe('the log driver journald', () => {
  it('sends fields to the socket, and says where there is none', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'journal-'));
    const socket = path.join(folder, 'socket');
    expect(await connectJournal({}, record, socket).catch(String)).to.contain(
      'journald is not enabled on this host',
    );
    const receiver = new DatagramSocket(socket);
    await forward(await connectJournal({ labels: 'tier', env: 'MODE', tag: 't' }, record, socket));
    const first = receiver.receive() ?? '';
    const second = receiver.receive() ?? '';
    receiver.close();
    fs.rmSync(folder, { recursive: true });
    const fields = first
      .trimEnd()
      .split('\n')
      .filter((field) => !field.startsWith('SYSLOG_TIMESTAMP='));
    expect(fields).to.deep.equal([
      'MESSAGE=one',
      'PRIORITY=6',
      'CONTAINER_ID=abcdef012345',
      `CONTAINER_ID_FULL=${record.id}`,
      'CONTAINER_NAME=web',
      'CONTAINER_TAG=t',
      'IMAGE_NAME=busybox',
      'SYSLOG_IDENTIFIER=t',
      'TIER=a',
      'MODE=x=y',
    ]);
    expect(second).to.match(/^MESSAGE=bad\nPRIORITY=3\n/);
  });
});

describe('LineForwarder', () => {
  /** A server that takes nothing until it is told to. */
  function stuckSink() {
    const sent: string[] = [];
    let release: () => void = () => undefined;
    const stuck = new Promise<void>((resolve) => (release = resolve));
    const sink: LogSink = {
      format: ({ text }) => text,
      send: (message) => {
        sent.push(message.toString());
        return stuck;
      },
      close: async () => release(),
    };
    return { sink, sent, release: () => release() };
  }

  it('holds the container back while the server takes nothing', async () => {
    const { sink, sent, release } = stuckSink();
    const forwarder = new LineForwarder({ sink, bufferBytes: undefined, report: () => undefined });
    const wait = forwarder.write('stdout', Buffer.from('a\nb\n'));
    expect(wait).to.be.instanceOf(Promise);
    expect(sent).to.deep.equal(['a']);
    release();
    await wait;
    expect(sent).to.deep.equal(['a', 'b']);
    await forwarder.close();
  });

  it('drops and counts what does not fit, in non-blocking mode', async () => {
    const { sink, sent, release } = stuckSink();
    const lost: unknown[] = [];
    const forwarder = new LineForwarder({
      sink,
      bufferBytes: 100,
      report: (what) => lost.push(what),
    });
    const line = `${'x'.repeat(29)}\n`;
    expect(forwarder.write('stdout', Buffer.from(line.repeat(10)))).to.equal(undefined);
    release();
    await forwarder.close();
    expect(sent).to.have.lengthOf(3);
    expect(lost).to.deep.equal([{ dropped: 7, failed: 0 }]);
  });
});

describe('checkLogConfig', () => {
  const refusals: [driver: string, options: Record<string, string>, words: string][] = [
    ['fluentd', {}, "logger: no log driver named 'fluentd' is registered"],
    ['json-file', { 'max-sise': '1m' }, "unknown log opt 'max-sise' for json-file log driver"],
    ['local', { tags: 'x' }, "unknown log opt 'tags' for log driver local"],
    ['json-file', { mode: 'fast' }, 'logger: logging mode not supported: fast'],
    [
      'json-file',
      { 'max-buffer-size': '1m' },
      "max-buffer-size option is only supported with 'mode=non-blocking'",
    ],
    [
      'json-file',
      { mode: 'non-blocking', 'max-buffer-size': 'x' },
      'error parsing option max-buffer-size',
    ],
    ['local', { 'max-file': 'many' }, 'invalid value for max-file: many'],
    ['local', { 'max-file': '1' }, 'compression cannot be enabled when max file count is 1'],
    [
      'syslog',
      { 'syslog-address': 'here' },
      'syslog-address should be in form proto://address, got here',
    ],
    ['syslog', { 'syslog-address': 'http://x' }, "unsupported scheme: 'http'"],
    ['syslog', { 'syslog-facility': 'mine' }, 'invalid syslog facility'],
    ['syslog', { 'syslog-format': 'rfc1' }, 'invalid syslog format'],
    ['json-file', { 'env-regex': '(' }, 'error parsing regexp'],
    ['json-file', { tag: '{{.Nobody}}' }, "can't evaluate field Nobody"],
    ['json-file', { tag: '{{lower .Name}}' }, 'is not implemented by this engine'],
  ];
  for (const [driver, options, words] of refusals) {
    it(`refuses ${driver} ${JSON.stringify(options)}`, () => {
      expect(() => checkLogConfig(driver, options)).to.throw(words);
    });
  }

  it("takes docker's options, and any for none", () => {
    checkLogConfig('none', { whatever: '1' });
    checkLogConfig('json-file', {
      mode: 'non-blocking',
      'max-buffer-size': '4m',
      labels: 'a,b',
      tag: '{{.Name}}',
    });
    checkLogConfig('local', { 'max-size': '1m', 'max-file': '2', compress: 'false' });
    checkLogConfig('syslog', { 'syslog-address': 'udp://[::1]:99', 'cache-disabled': 'true' });
  });
});
