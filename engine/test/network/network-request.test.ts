import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { decodeNetworkRequest } from '../../src/network/network-request.ts';

const withSubnets = (...Config: object[]) => ({ Name: 'n', EnableIPv6: true, IPAM: { Config } });
const withSubnet = (config: object) => withSubnets(config);

describe('decodeNetworkRequest', () => {
  it('reads what docker network create sends', () => {
    const request = decodeNetworkRequest({
      Name: 'n1',
      CheckDuplicate: true,
      Driver: 'bridge',
      IPAM: {
        Driver: 'default',
        Options: {},
        Config: [{ Subnet: '10.9.0.0/24', IPRange: '10.9.0.128/25', Gateway: '10.9.0.254' }],
      },
      Labels: { a: 'b' },
    });
    expect(request).to.deep.include({ name: 'n1', internal: false, labels: { a: 'b' } });
    expect(request.subnet).to.deep.equal({
      subnet: '10.9.0.0/24',
      ipRange: '10.9.0.128/25',
      gateway: '10.9.0.254',
    });
  });

  it('reads a subnet of each family, and says when it leaves one out', () => {
    const body = withSubnets(
      { Subnet: 'fd00:0::/64', Gateway: 'FD00::FE', AuxiliaryAddresses: { nas: 'fd00:0::7' } },
      { Subnet: '10.9.0.0/24' },
    );
    const request = decodeNetworkRequest(body);
    expect(request).to.deep.include({ ipv6: true, subnet: { subnet: '10.9.0.0/24' }, warning: '' });
    expect(request.ipv6Subnet).to.deep.equal({
      ...{ subnet: 'fd00:0::/64', gateway: 'fd00::fe', auxiliary: { nas: 'fd00::7' } },
    });
    const without = decodeNetworkRequest({ ...body, EnableIPv6: false });
    expect(without).to.deep.include({ ipv6: false, ipv6Subnet: undefined });
    expect(without.warning).to.contain('fd00:0::/64 is ignored');
  });

  it('refuses what cannot be, naming it', () => {
    for (const [body, words] of [
      [{ Name: '' }, 'invalid network name'],
      [{ Name: 'a/b' }, 'invalid network name'],
      [{ Name: 'host' }, 'predefined host network'],
      [{ Name: 'n', Driver: 'nope' }, 'could not find plugin nope'],
      [{ Name: 'n', Driver: 'host' }, 'only one instance of "host" network'],
      [withSubnet({ Subnet: '10.9.0.1/24' }), 'it should be 10.9.0.0/24'],
      [withSubnet({ Subnet: '10.9.0.0/31' }), 'no room for hosts'],
      [withSubnet({ Subnet: '10.9.0.0/24', Gateway: '10.8.0.1' }), 'invalid gateway 10.8.0.1'],
      [withSubnet({ Subnet: '10.9.0.0/24', IPRange: '10.0.0.0/8' }), 'invalid ip-range'],
      [withSubnet({ Gateway: '10.9.0.1' }), 'needs a subnet'],
      [withSubnet({ Subnet: 'fd00::1/64' }), 'it should be fd00::/64'],
      [withSubnet({ Subnet: 'fd00::/127' }), 'no room for hosts'],
      [withSubnet({ Subnet: 'fd00::/64', Gateway: 'fd01::1' }), 'invalid gateway fd01::1'],
      [withSubnet({ Subnet: 'fd00::/64', Gateway: '10.9.0.1' }), 'is not an IPv6 address'],
      [withSubnet({ Subnet: 'fd00::/64', IPRange: 'fd00::/60' }), 'invalid ip-range'],
      [{ Name: 'n', Driver: 'macvlan', Options: { macvlan_mode: 'x' } }, 'macvlan_mode'],
      [{ Name: 'n', Options: { 'com.docker.network.bridge.enable_icc': 'no' } }, 'enable_icc'],
    ] as const) {
      expect(() => decodeNetworkRequest(body), words).to.throw(StackError, words);
    }
  });

  it('says what is not built', () => {
    for (const [body, words] of [
      [{ Name: 'n', ConfigOnly: true }, 'ConfigOnly'],
      [withSubnets({ Subnet: '10.9.0.0/24' }, { Subnet: '10.8.0.0/24' }), 'a second subnet'],
      [{ Name: 'n', Options: { what: 'ever' } }, 'network option what'],
    ] as const) {
      expect(() => decodeNetworkRequest(body), words)
        .to.throw(StackError, words)
        .with.property('kind', 'unimplemented');
    }
  });
});
