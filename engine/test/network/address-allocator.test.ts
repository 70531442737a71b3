import { expect } from 'chai';
import { formatIpv4, parseIpv4, parseIpv4Prefix } from '#lib/netlink/ipv4';
import { formatIpv6, parseIpv6Prefix } from '#lib/netlink/ipv6';
import { isStackError } from '#spec/errors';
import { AddressAllocator } from '../../src/network/address-allocator.ts';
import { ipv4, ipv6 } from '../../src/network/address-family.ts';

describe('AddressAllocator', () => {
  const gateway = parseIpv4Prefix('10.0.0.3/29');

  it('gives out each address once, never network, gateway and broadcast', () => {
    const addresses = new AddressAllocator(ipv4, gateway);
    const given = Array.from({ length: 5 }, () => formatIpv4(addresses.allocate()));
    expect(given).to.deep.equal(['10.0.0.1', '10.0.0.2', '10.0.0.4', '10.0.0.5', '10.0.0.6']);
    expect(() => addresses.allocate())
      .to.throw('no available IPv4 addresses in subnet 10.0.0.0/29')
      .that.satisfies((error: unknown) => isStackError(error, 'resource_exhausted'));
  });

  it('gives out what was released, lowest first', () => {
    const addresses = new AddressAllocator(ipv4, gateway);
    addresses.reserve(parseIpv4('10.0.0.1'));
    const second = addresses.allocate();
    addresses.release(parseIpv4('10.0.0.1'));
    addresses.release(second);
    expect(formatIpv4(addresses.allocate())).to.equal('10.0.0.1');
  });

  it('keeps the gateway and refuses an address that is taken', () => {
    const addresses = new AddressAllocator(ipv4, gateway);
    addresses.release(gateway.address);
    expect(() => addresses.reserve(gateway.address)).to.throw('address 10.0.0.3 is in use');
  });

  it('gives out the last address of an IPv6 subnet, which has no broadcast', () => {
    const addresses = new AddressAllocator(ipv6, parseIpv6Prefix('fd00::1/126'));
    const given = [addresses.allocate(), addresses.allocate()].map(formatIpv6);
    expect(given).to.deep.equal(['fd00::2', 'fd00::3']);
    expect(() => addresses.allocate()).to.throw('no available IPv6 addresses in subnet fd00::/126');
  });
});
