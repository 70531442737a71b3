import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { ClientStream, frame } from '../../src/daemon/stream-frames.ts';

describe('frame', () => {
  it('has the stream number and the length before the payload', () => {
    expect(frame('stderr', Buffer.from('abc')).toString('hex')).to.equal('0200000000000003616263');
  });
});

describe('ClientStream', () => {
  it('takes only the streams that were asked for', () => {
    const output = new PassThrough();
    const client = new ClientStream(output, { tty: true, stdout: true, stderr: false });
    void client.write('stderr', Buffer.from('no'));
    void client.write('stdout', Buffer.from('yes'));
    expect(String(output.read())).to.equal('yes');
  });

  it('holds back while the client does not read, and lets go when it left', async () => {
    const output = new PassThrough({ highWaterMark: 4 });
    const client = new ClientStream(output, { tty: true, stdout: true, stderr: true });
    const wait = client.write('stdout', Buffer.from('more than four'));
    expect(wait).to.be.instanceOf(Promise);
    output.destroy();
    await wait;
    expect(client.write('stdout', Buffer.from('x'))).to.equal(undefined);
  });
});
