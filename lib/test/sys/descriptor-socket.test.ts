import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { expect } from 'chai';
import { DescriptorSocket } from '#lib/sys/descriptor-socket';

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

  it('names a path that is too long', () => {
    expect(() => new DescriptorSocket(`/${'x'.repeat(120)}`)).to.throw('ENAMETOOLONG');
  });
});
