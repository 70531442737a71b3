import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { decodeNetworkRequest } from '../../src/network/network-request.ts';

const withSubnet = (config: object) => ({ Name: 'n', IPAM: { Config: [config] } });

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
    ] as const) {
      expect(() => decodeNetworkRequest(body), words).to.throw(StackError, words);
    }
  });

  it('says what is not built', () => {
    for (const [body, words] of [
      [{ Name: 'n', Driver: 'macvlan' }, 'network driver "macvlan"'],
      [{ Name: 'n', EnableIPv6: true }, 'EnableIPv6'],
      [withSubnet({ Subnet: 'fd00::/64' }), 'an IPv6 subnet'],
      [{ Name: 'n', Options: { 'com.docker.network.bridge.enable_icc': 'false' } }, 'enable_icc'],
      [{ Name: 'n', Options: { what: 'ever' } }, 'network option what'],
    ] as const) {
      expect(() => decodeNetworkRequest(body), words)
        .to.throw(StackError, words)
        .with.property('kind', 'unimplemented');
    }
  });
});
