import { expect } from 'chai';
import {
  broadcastOf,
  formatIpv4,
  formatIpv4Prefix,
  networkOf,
  overlaps,
  parseIpv4,
  parseIpv4Prefix,
} from '#lib/netlink/ipv4';
import { isStackError } from '#spec/errors';

describe('IPv4 addresses', () => {
  it('turn from text into numbers and back', () => {
    expect(parseIpv4('172.30.0.1')).to.equal(0xac1e0001);
    expect(formatIpv4(0xac1e0001)).to.equal('172.30.0.1');
    expect(formatIpv4(parseIpv4('255.255.255.255'))).to.equal('255.255.255.255');
  });

  for (const text of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', 'a.b.c.d', '1.2.3.4 ', '::1']) {
    it(`refuse "${text}"`, () => {
      expect(() => parseIpv4(text))
        .to.throw()
        .that.satisfies(isStackError);
    });
  }
});

describe('IPv4 prefixes', () => {
  for (const text of ['10.0.0.1', '10.0.0.1/33', '10.0.0.1/', '10.0.0.1/8/8', '10.0.0.1/-1']) {
    it(`refuse "${text}"`, () => {
      expect(() => parseIpv4Prefix(text))
        .to.throw()
        .that.satisfies(isStackError);
    });
  }

  it('know the first and the last address of their network', () => {
    const prefix = parseIpv4Prefix('172.30.5.9/20');
    expect(formatIpv4Prefix(networkOf(prefix))).to.equal('172.30.0.0/20');
    expect(formatIpv4(broadcastOf(prefix))).to.equal('172.30.15.255');
    expect(formatIpv4(broadcastOf(parseIpv4Prefix('200.1.2.3/0')))).to.equal('255.255.255.255');
  });

  it('overlap when they share an address', () => {
    const at = parseIpv4Prefix;
    expect(overlaps(at('10.0.0.0/8'), at('10.255.255.0/24'))).to.be.true;
    expect(overlaps(at('10.0.0.7/24'), at('10.0.0.0/28'))).to.be.true;
    expect(overlaps(at('10.0.0.0/24'), at('10.0.1.0/24'))).to.be.false;
  });
});
