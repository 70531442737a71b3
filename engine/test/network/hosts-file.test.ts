import { expect } from 'chai';
import { hostnameFile, hostsFile, hostsFileOfHost } from '../../src/network/hosts-file.ts';

const standard = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

describe('hostsFile', () => {
  it('ends with the container itself', () => {
    expect(hostsFile({ ipAddresses: ['172.30.0.2'], hostname: 'web' })).to.equal(
      `${standard}172.30.0.2\tweb\n`,
    );
  });

  it('lists the full name before the bare one, however it was given', () => {
    const own = '172.30.0.2\tweb.example.org web\n';
    const given = { ipAddresses: ['172.30.0.2'], hostname: 'web', domainname: 'example.org' };
    expect(hostsFile(given)).to.equal(standard + own);
    expect(hostsFile({ ipAddresses: ['172.30.0.2'], hostname: 'web.example.org' })).to.equal(
      standard + own,
    );
  });

  it('has added hosts before it, and does not list a container without address', () => {
    const extraHosts = ['db:10.0.0.9', 'six=[2001:db8::1]', 'seven:2001:db8::7', 'me:host-gateway'];
    expect(
      hostsFile({ hostname: 'web', extraHosts, gateways: ['172.30.0.1', 'fd00::1'] }),
    ).to.equal(
      `${standard}10.0.0.9\tdb\n2001:db8::1\tsix\n2001:db8::7\tseven\n172.30.0.1\tme\nfd00::1\tme\n`,
    );
  });

  it('of the host network is the host file with added lines', () => {
    expect(hostsFileOfHost('127.0.0.1 localhost', ['db:10.0.0.9'])).to.equal(
      '127.0.0.1 localhost\n10.0.0.9\tdb\n',
    );
  });
});

describe('hostnameFile', () => {
  it('is one line', () => {
    expect(hostnameFile('web')).to.equal('web\n');
  });
});
