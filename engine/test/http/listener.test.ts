import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { parseListenAddress } from '../../src/http/listener.ts';

describe('parseListenAddress', () => {
  it('reads unix and tcp addresses', () => {
    expect(parseListenAddress('unix:///run/x.sock')).to.deep.equal({
      kind: 'unix',
      path: '/run/x.sock',
    });
    expect(parseListenAddress('tcp://[::1]:2375')).to.deep.equal({
      kind: 'tcp',
      host: '::1',
      port: 2375,
    });
    for (const text of ['unix://relative', 'tcp://x', 'fd://', 'tcp://h:70000']) {
      expect(() => parseListenAddress(text), text).to.throw(StackError);
    }
  });
});
