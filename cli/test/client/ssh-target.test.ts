import { expect } from 'chai';
import { parseSshTarget, sshArguments } from '../../src/client/ssh-target.ts';

describe('parseSshTarget', () => {
  it('takes user, host, port and socket', () => {
    expect(parseSshTarget('ssh://me@far:22/run/x.sock')).to.deep.equal({
      user: 'me',
      host: 'far',
      port: '22',
      socketPath: '/run/x.sock',
    });
    expect(parseSshTarget('ssh://[::1]/')).to.deep.equal({
      user: undefined,
      host: '::1',
      port: undefined,
      socketPath: undefined,
    });
  });

  for (const [address, reason] of [
    ['ssh://me:secret@far', 'plain-text password is not supported'],
    ['ssh://', 'hostname is empty'],
    ['ssh://far?x=1', 'query parameters are not allowed: "x=1"'],
    ['ssh://far#x', 'fragments are not allowed: "x"'],
  ] as const) {
    it(`refuses ${address}`, () => {
      expect(() => parseSshTarget(address)).to.throw(`invalid SSH URL: ${reason}`);
    });
  }
});

describe('sshArguments', () => {
  it('lets no name become an option or a word of the shell', () => {
    const target = {
      user: "o'neil",
      host: '-oProxyCommand=x',
      port: '22',
      socketPath: '/a b;$(c)',
    };
    const words = sshArguments(target);
    const options = ['-o', 'ConnectTimeout=30', '-T', '-l', "o'neil", '-p', '22'];
    expect(words.slice(0, -1)).to.deep.equal([...options, '--', '-oProxyCommand=x']);
    expect(words.at(-1)).to.match(/ dial '--host=unix:\/\/\/a b;\$\(c\)' system dial-stdio$/);
  });
});
