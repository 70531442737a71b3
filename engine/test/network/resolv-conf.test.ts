import { expect } from 'chai';
import { resolvConf } from '../../src/network/resolv-conf.ts';

describe('resolvConf', () => {
  it("is the host's file as it is when containers can reach its servers", () => {
    const host = '# by hand\nsearch example.org\nnameserver 192.0.2.53\noptions ndots:2\n';
    expect(resolvConf({ host })).to.deep.equal({ content: host, usesPublicServers: false });
  });

  it('leaves out loopback and IPv6 servers', () => {
    const host =
      'nameserver 127.0.0.1\nnameserver 192.0.2.53\nnameserver ::1\nnameserver fe80::1\n';
    expect(resolvConf({ host }).content).to.equal('nameserver 192.0.2.53\n');
  });

  for (const host of ['', 'nameserver 127.0.0.53\n', 'search example.org']) {
    it(`asks public servers when the host has ${JSON.stringify(host)}`, () => {
      const { content, usesPublicServers } = resolvConf({ host });
      expect(usesPublicServers).to.be.true;
      const kept = host.startsWith('search') ? 'search example.org\n' : '';
      expect(content).to.equal(`${kept}nameserver 8.8.8.8\nnameserver 8.8.4.4\n`);
    });
  }

  it('replaces only what was given', () => {
    const host = 'search example.org\nnameserver 192.0.2.53\noptions ndots:2 rotate\n';
    expect(resolvConf({ host, nameServers: ['9.9.9.9'] }).content).to.equal(
      'search example.org\nnameserver 9.9.9.9\noptions ndots:2 rotate\n',
    );
    expect(resolvConf({ host, search: ['a', 'b'], options: ['timeout:1'] }).content).to.equal(
      'search a b\nnameserver 192.0.2.53\noptions timeout:1\n',
    );
    expect(resolvConf({ host, search: ['.'] }).content).not.to.contain('search');
  });

  it('keeps loopback servers in the host network', () => {
    const host = 'nameserver 127.0.0.53\n';
    expect(resolvConf({ host, hostNetwork: true })).to.deep.equal({
      content: host,
      usesPublicServers: false,
    });
  });
});
