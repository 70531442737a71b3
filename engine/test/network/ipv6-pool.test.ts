import { expect } from 'chai';
import { formatIpv6Prefix, parseIpv6, parseIpv6Prefix } from '#lib/netlink/ipv6';
import { StackError } from '#spec/errors';
import { AddressAllocator } from '../../src/network/address-allocator.ts';
import { ipv6 } from '../../src/network/address-family.ts';
import { parseAddressPool } from '../../src/network/address-pool.ts';
import { chooseSubnetOfIpv6, uniqueLocalPool } from '../../src/network/ipv6-pool.ts';

describe('pools of IPv6 subnets', () => {
  it('of an engine are unique local, and always the same', () => {
    const pool = uniqueLocalPool('an engine');
    expect(formatIpv6Prefix(pool.base)).to.match(/^fd[0-9a-f:]+::\/48$/);
    expect(uniqueLocalPool('an engine')).to.deep.equal(pool);
    expect(uniqueLocalPool('another')).not.to.deep.equal(pool);
  });

  it('give the first subnet that is free, whatever is taken', () => {
    const pool = parseAddressPool(ipv6, 'base=fd00:1::/48,size=64');
    const chosen = (...taken: string[]): string =>
      formatIpv6Prefix(chooseSubnetOfIpv6([pool], taken.map(parseIpv6Prefix)));
    expect(chosen()).to.equal('fd00:1::/64');
    expect(chosen('fd00:1::7/128', 'fd00:2::/64')).to.equal('fd00:1:0:1::/64');
    expect(chosen('fd00:1::/50')).to.equal('fd00:1:0:4000::/64');
    expect(() => chosen('fc00::/7')).to.throw(StackError, 'fd00:1::/48');
  });

  it('are refused when they make no sense', () => {
    for (const text of ['base=fd00::/48', 'base=fd00::/64,size=48', 'base=10.0.0.0/8,size=64']) {
      expect(() => parseAddressPool(ipv6, text), text).to.throw(StackError);
    }
  });
});

describe('AddressAllocator of IPv6', () => {
  it('gives the lowest free address that is neither the gateway nor somebody else', () => {
    const allocator = new AddressAllocator(ipv6, parseIpv6Prefix('fd00::1/126'), undefined, [
      parseIpv6('fd00::2'),
    ]);
    expect(allocator.allocate()).to.equal(parseIpv6('fd00::3'));
    expect(() => allocator.allocate()).to.throw('no available IPv6 addresses in subnet fd00::/126');
    allocator.release(parseIpv6('fd00::3'));
    expect(allocator.reserve(parseIpv6('fd00::3'))).to.equal(parseIpv6('fd00::3'));
    expect(() => allocator.reserve(parseIpv6('fd00::3'))).to.throw('is in use');
    expect(() => allocator.reserve(parseIpv6('fd01::3'))).to.throw('does not belong');
  });
});
