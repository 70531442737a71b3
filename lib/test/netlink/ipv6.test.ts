import { expect } from 'chai';
import {
  formatIpv6,
  formatIpv6Prefix,
  ipv6Bytes,
  ipv6FromBytes,
  lastOfIpv6,
  networkOfIpv6,
  overlapsIpv6,
  parseIpv6,
  parseIpv6Prefix,
} from '#lib/netlink/ipv6';

describe('IPv6 addresses', () => {
  it('are read in every way they are written, and written in one', () => {
    for (const [text, canonical] of [
      ['::', '::'],
      ['::1', '::1'],
      ['FD00:0:0:0:0:0:0:1', 'fd00::1'],
      ['fd00::', 'fd00::'],
      ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ] as const) {
      expect(formatIpv6(parseIpv6(text)), text).to.equal(canonical);
    }
  });

  it('survive the way to text and bytes and back', () => {
    for (let round = 0; round < 500; round++) {
      const groups = Array.from({ length: 8 }, () =>
        Math.random() < 0.5 ? 0n : BigInt(Math.floor(Math.random() * 0x10000)),
      );
      const address = groups.reduce((number, group) => (number << 16n) | group, 0n);
      expect(parseIpv6(formatIpv6(address))).to.equal(address);
      expect(ipv6FromBytes(ipv6Bytes(address))).to.equal(address);
    }
  });

  it('are nothing else', () => {
    for (const text of ['', '1.2.3.4', 'fe80::1%eth0', ':::', '1:2:3:4:5:6:7', 'g::']) {
      expect(() => parseIpv6(text), text).to.throw('is not an IPv6 address');
    }
    expect(() => parseIpv6Prefix('fd00::/129')).to.throw('prefix length');
  });

  it('make networks', () => {
    const prefix = parseIpv6Prefix('fd00:99::7/64');
    expect(formatIpv6Prefix(networkOfIpv6(prefix))).to.equal('fd00:99::/64');
    expect(formatIpv6(lastOfIpv6(prefix))).to.equal('fd00:99::ffff:ffff:ffff:ffff');
    expect(overlapsIpv6(prefix, parseIpv6Prefix('fd00:99::8000:0:0:0/66'))).to.be.true;
    expect(overlapsIpv6(prefix, parseIpv6Prefix('fd00:99:0:1::/64'))).to.be.false;
  });
});
