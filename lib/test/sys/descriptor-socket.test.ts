import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { expect } from 'chai';
import { DescriptorSocket, sendDescriptor } from '#lib/sys/descriptor-socket';

describe('DescriptorSocket', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'descriptor-socket-'));
  after(() => fs.rmSync(folder, { recursive: true }));

  it('has nothing while nobody has connected, and refuses a message without a descriptor', async () => {
    const file = path.join(folder, 's');
    const socket = new DescriptorSocket(file);
    expect(socket.receive()).to.equal(undefined);
    const peer = net.connect(file);
    await once(peer, 'connect');
    await new Promise((resolve) => peer.write('no descriptor', resolve));
    expect(() => socket.receive()).to.throw('recvmsg without a descriptor: EINVAL');
    peer.destroy();
    socket.close();
  });

  it('hands over what sendDescriptor sends', () => {
    const file = path.join(folder, 'sent');
    const socket = new DescriptorSocket(file);
    const content = path.join(folder, 'content');
    fs.writeFileSync(content, 'hello');
    const original = fs.openSync(content, 'r');
    sendDescriptor(file, original, Buffer.from('name'));
    fs.closeSync(original);
    const received = socket.receive();
    expect(received).to.be.a('number');
    expect(fs.readFileSync(received!, 'utf8')).to.equal('hello');
    fs.closeSync(received!);
    socket.close();
  });

  it('names a socket that nobody listens at', () => {
    expect(() => sendDescriptor(path.join(folder, 'nobody'), 0, Buffer.from('x'))).to.throw(
      /connect .*nobody: ENOENT/,
    );
  });

  it('names a path that is too long', () => {
    expect(() => new DescriptorSocket(`/${'x'.repeat(120)}`)).to.throw('ENAMETOOLONG');
  });
});
