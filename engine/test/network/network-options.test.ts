import { expect } from 'chai';
import { parseNetworkFlags, type NetworkFlags } from '../../src/network/network-options.ts';

describe('parseNetworkFlags', () => {
  it('has a bridge of its own and firewall integration by default', () => {
    expect(parseNetworkFlags({})).to.deep.include({
      bridge: 'engine0',
      bip: undefined,
      mtu: 1500,
      firewallIntegration: true,
    });
  });

  it('has no bridge with none', () => {
    expect(parseNetworkFlags({ bridge: 'none' }).bridge).to.be.undefined;
  });

  const bad: [NetworkFlags, string][] = [
    [{ bridge: 'a-name-of-16-byt' }, 'invalid --bridge'],
    [{ bridge: '../x' }, 'invalid --bridge'],
    [{ bip: '10.0.0.0/24' }, 'no address for a host of 10.0.0.0/24'],
    [{ bip: '10.0.0.255/24' }, 'no address for a host'],
    [{ bip: '10.0.0.1/31' }, 'no address for a host'],
    [{ bip: '10.0.0.1' }, 'is not an IPv4 address with prefix length'],
    [{ bridge: 'none', bip: '10.0.0.1/24' }, 'there is no bridge'],
    [{ mtu: 60 }, 'invalid --mtu "60"'],
    [{ mtu: Number.NaN }, 'invalid --mtu'],
    [{ firewallIntegration: 'maybe' }, 'expected "on" or "off"'],
  ];
  for (const [flags, message] of bad) {
    it(`refuses ${JSON.stringify(flags)}`, () => {
      expect(() => parseNetworkFlags(flags)).to.throw(message);
    });
  }
});
