import { expect } from 'chai';
import { UsageError } from '../../src/command-line/parse.ts';
import { parsePorts } from '../../src/container/publish.ts';

describe('parsePorts', () => {
  it('reads every form of --publish', () => {
    const bindingsOf = (value: string) => parsePorts([value], []).bindings;
    expect(bindingsOf('80')).to.deep.equal({ '80/tcp': [{ HostIp: '', HostPort: '' }] });
    expect(bindingsOf('8080:80')).to.deep.equal({ '80/tcp': [{ HostIp: '', HostPort: '8080' }] });
    expect(bindingsOf('127.0.0.1:53:53/udp')).to.deep.equal({
      '53/udp': [{ HostIp: '127.0.0.1', HostPort: '53' }],
    });
    expect(bindingsOf('127.0.0.1::80')).to.deep.equal({
      '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }],
    });
    expect(bindingsOf('[::1]:8080:80')).to.deep.equal({
      '80/tcp': [{ HostIp: '::1', HostPort: '8080' }],
    });
    expect(bindingsOf('9000-9001:80-81')).to.deep.equal({
      '80/tcp': [{ HostIp: '', HostPort: '9000' }],
      '81/tcp': [{ HostIp: '', HostPort: '9001' }],
    });
    expect(bindingsOf('9000-9010:80')).to.deep.equal({
      '80/tcp': [{ HostIp: '', HostPort: '9000-9010' }],
    });
  });

  it('exposes what it publishes, and what --expose names', () => {
    expect(Object.keys(parsePorts(['1:2'], ['7-8/udp']).exposed)).to.deep.equal([
      '7/udp',
      '8/udp',
      '2/tcp',
    ]);
  });

  it('refuses what cannot be meant', () => {
    for (const value of [
      '',
      'x',
      '80/xyz',
      '1:2:3',
      '99999',
      '5-4',
      '1-2:3-5',
      '1.2.3:4:5',
      'a:b:c:d',
    ]) {
      expect(() => parsePorts([value], []), value).to.throw(UsageError, `"${value}"`);
    }
  });
});
