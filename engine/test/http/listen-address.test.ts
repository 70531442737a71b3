import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { parseListenAddress } from '../../src/http/listen-address.ts';

describe('parseListenAddress', () => {
  it('reads what docker reads', () => {
    const cases: [string, object][] = [
      ['unix:///run/x.sock', { kind: 'unix', path: '/run/x.sock' }],
      ['unix://', { kind: 'unix', path: '/run/engine/engine.sock' }],
      ['tcp://[::1]:2376', { kind: 'tcp', host: '::1', port: 2376 }],
      ['tcp://', { kind: 'tcp', host: 'localhost', port: 2375 }],
      ['tcp://10.0.0.1', { kind: 'tcp', host: '10.0.0.1', port: 2375 }],
      ['10.0.0.1:99', { kind: 'tcp', host: '10.0.0.1', port: 99 }],
      [':99', { kind: 'tcp', host: 'localhost', port: 99 }],
      ['fd://', { kind: 'fd', fd: undefined }],
      ['fd://*', { kind: 'fd', fd: undefined }],
      ['fd://4', { kind: 'fd', fd: 4 }],
    ];
    for (const [text, address] of cases) {
      expect(parseListenAddress(text), text).to.deep.equal(address);
    }
  });

  it('says what is wrong with anything else', () => {
    const cases: [string, string][] = [
      ['npipe:////./pipe/x', "unsupported proto 'npipe'"],
      ['unix://relative', 'not absolute'],
      ['tcp://h:70000', 'invalid port: 70000'],
      ['tcp://h:0', 'invalid port: 0'],
      ['tcp://h:1/path', 'should not contain a path element'],
      ['tcp://a:b:c', 'it is not host:port'],
      ['fd://x', 'should be a number: x'],
    ];
    for (const [text, message] of cases) {
      expect(() => parseListenAddress(text), text).to.throw(StackError, message);
    }
  });
});
