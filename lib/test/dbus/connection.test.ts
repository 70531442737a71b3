import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { Connection } from '#lib/dbus/connection';
import { skip } from '../assembler/executables.ts';
import { hasDbusDaemon, PrivateBus } from './private-bus.ts';

const bus = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
} as const;

describe('a connection to a bus', () => {
  let daemon: PrivateBus | undefined;
  let connection: Connection;

  before(async function () {
    if (!hasDbusDaemon()) skip(this, 'needs dbus-daemon (Debian package dbus-daemon)');
    daemon = await PrivateBus.start();
  });
  after(() => daemon?.stop());
  beforeEach(async () => (connection = await Connection.open(daemon?.path ?? '')));
  afterEach(() => connection.close());

  it('logs in and gets a name', async () => {
    expect(await connection.hello()).to.match(/^:1\.\d+$/);
    const [names] = await connection.call({ ...bus, member: 'ListNames' });
    expect(names).to.include('org.freedesktop.DBus');
  });

  it('answers many calls at once, each with its own answer', async () => {
    const own = await connection.hello();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        connection.call({
          ...bus,
          member: 'NameHasOwner',
          signature: 's',
          body: [index % 2 ? own : ':1.9999'],
        }),
      ),
    );
    expect(answers.flat()).to.deep.equal(answers.map((_, index) => index % 2 === 1));
  });

  it('throws the error that the peer names', async () => {
    await connection.hello();
    const call = connection.call({ ...bus, member: 'NoSuchMethod' });
    const error: unknown = await call.catch((reason: unknown) => reason);
    expect(error).to.include({ errorName: 'org.freedesktop.DBus.Error.UnknownMethod' });
  });

  it('hears signals that it has asked for', async () => {
    await connection.hello();
    const heard: unknown[] = [];
    connection.onMessage(({ member, body }) => heard.push([member, body[0]]));
    const rule = "type='signal',member='NameOwnerChanged'";
    await connection.call({ ...bus, member: 'AddMatch', signature: 's', body: [rule] });
    const other = await Connection.open(daemon?.path ?? '');
    const name = await other.hello();
    other.close();
    // An answer comes after the signals before it.
    await connection.call({ ...bus, member: 'GetId' });
    expect(heard).to.deep.include(['NameOwnerChanged', name]);
  });

  it('says when nobody listens, and when the bus goes away', async () => {
    const missing: unknown = await Connection.open('/no/such/bus').catch((error: unknown) => error);
    expect(missing).to.have.property('kind', 'unavailable');
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bus-'));
    const server = net.createServer((socket) => {
      socket.once('data', () => {
        socket.write('OK 00\r\n');
        socket.once('data', () => socket.end());
      });
    });
    await new Promise<void>((resolve) => server.listen(path.join(folder, 's'), resolve));
    const short = await Connection.open(path.join(folder, 's'));
    const error: unknown = await short.hello().catch((reason: unknown) => reason);
    expect(error).to.have.property('kind', 'unavailable');
    server.close();
    fs.rmSync(folder, { recursive: true });
  });

  it('says when the bus does not let it in', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bus-'));
    const server = net.createServer((socket) => socket.end('REJECTED DBUS_COOKIE_SHA1\r\n'));
    await new Promise<void>((resolve) => server.listen(path.join(folder, 's'), resolve));
    const opened = Connection.open(path.join(folder, 's'));
    const error: unknown = await opened.catch((reason: unknown) => reason);
    expect(error).to.have.property('kind', 'permission_denied');
    server.close();
    fs.rmSync(folder, { recursive: true });
  });
});
