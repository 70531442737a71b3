import { expect } from 'chai';
import { formatIpv4Prefix, parseIpv4Prefix } from '#lib/netlink/ipv4';
import { isStackError } from '#spec/errors';
import { ipv4 } from '../../src/network/address-family.ts';
import {
  chooseSubnet,
  defaultAddressPools,
  parseAddressPool,
} from '../../src/network/address-pool.ts';

describe('chooseSubnet', () => {
  const choose = (taken: string[], pools = defaultAddressPools) =>
    formatIpv4Prefix(chooseSubnet(pools, taken.map(parseIpv4Prefix)));

  it('takes the first subnet that nobody uses', () => {
    expect(choose([])).to.equal('172.30.0.0/16');
    expect(choose(['172.30.200.1/32', '172.29.0.0/24'])).to.equal('172.28.0.0/16');
    expect(choose(['172.16.0.0/12'])).to.equal('192.168.0.0/20');
    expect(choose(['172.16.0.0/12', '192.168.1.5/24'])).to.equal('192.168.16.0/20');
  });

  it("never takes docker0's subnet", () => {
    const docker = parseIpv4Prefix('172.17.0.0/16').address;
    expect(defaultAddressPools.some(({ base }) => base.address === docker)).to.be.false;
  });

  it('cuts pools into subnets of their size', () => {
    const pools = [parseAddressPool(ipv4, 'base=10.10.0.0/16,size=24')];
    expect(choose(['10.10.0.0/23'], pools)).to.equal('10.10.2.0/24');
  });

  it('says when all are used', () => {
    expect(() => choose(['10.0.0.0/8'], [parseAddressPool(ipv4, 'base=10.10.0.0/16,size=24')]))
      .to.throw('10.10.0.0/16')
      .that.satisfies((error: unknown) => isStackError(error, 'resource_exhausted'));
  });
});

describe('parseAddressPool', () => {
  for (const text of [
    '',
    'base=10.0.0.0/8',
    'size=24',
    'base=10.0.0.0/8,size=x',
    'base=10.0.0.0/8,size=7',
    'base=10.0.0.0/8,size=31',
    'base=10.0.0.0,size=24',
    'base=10.0.0.0/8,size=24,more=1',
  ]) {
    it(`refuses "${text}"`, () => {
      expect(() => parseAddressPool(ipv4, text))
        .to.throw()
        .that.satisfies((error: unknown) => isStackError(error, 'invalid_argument'));
    });
  }
});
