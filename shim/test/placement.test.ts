import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { placementOf } from '../src/placement.ts';
import { socketPath } from '../src/socket-address.ts';

describe('placementOf', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'placement-'));
  after(() => fs.rmSync(folder, { recursive: true }));
  const container = { address: '/c.sock', namespace: 'ns', id: 'c1' };
  const place = (annotations: unknown) => {
    fs.writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ annotations }));
    return placementOf(folder, container);
  };

  it('is the socket of the id where nothing is said', () => {
    const own = { socket: socketPath('/c.sock', 'ns', 'c1'), isShared: false, protocol: 'ttrpc' };
    expect(place(undefined)).to.deep.equal(own);
    expect(place(null)).to.deep.equal(own);
    expect(place({ 'io.kubernetes.cri.sandbox-id': 'c1' })).to.deep.equal(own);
  });

  it('is the socket of the group, by the first annotation that names one', () => {
    const annotations = { 'io.kubernetes.cri.sandbox-id': 'pod' };
    expect(place(annotations)).to.include({
      socket: socketPath('/c.sock', 'ns', 'pod'),
      isShared: true,
    });
    expect(place({ ...annotations, 'io.containerd.runc.v2.group': 'g' }).socket).to.equal(
      socketPath('/c.sock', 'ns', 'g'),
    );
  });

  it('refuses a protocol that it does not speak', () => {
    expect(() => place({ 'io.containerd.lite.v2.protocol': 'http' })).to.throw(
      'want ttrpc or grpc',
    );
  });
});
