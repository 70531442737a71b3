/** The networks of this machine as descriptions, and what there is to say about its packet filters. */
import { formatIpv4, formatIpv4Prefix, networkOf } from '#lib/netlink/ipv4';
import { formatIpv6, formatIpv6Prefix, networkOfIpv6 } from '#lib/netlink/ipv6';
import type { ForeignFilter } from '../kernel/foreign-filters.ts';
import type { NetworkAddresses } from './network-addresses.ts';
import type { ContainerNetwork, NetworkDescription, NetworkSubnet } from './network-controller.ts';
import type { NetworkIdentities } from './network-identities.ts';
import type { NetworkOptions } from './network-options.ts';
import type { StoredNetwork } from './network-store.ts';

export interface DescribedNetworks {
  readonly identities: NetworkIdentities;
  /** Undefined without a default bridge. */
  readonly bridge: (DefaultBridge & { readonly name: string }) | undefined;
  readonly userDefined: readonly StoredNetwork[];
  /** Of all running containers. */
  readonly containers: readonly ContainerNetwork[];
}

/** What the default bridge is like. */
export type DefaultBridge = Pick<NetworkOptions, 'mtu' | 'icc' | 'masquerade' | 'hostAddress'> & {
  readonly addresses: NetworkAddresses;
};

/** bridge (if there is one), host, none and those that users made. The names of the bridge's options are docker's. */
export function describeNetworks({
  identities: { bridge: bridgeIdentity, host, none },
  bridge,
  userDefined,
  containers,
}: DescribedNetworks): NetworkDescription[] {
  const of = (id: string): NetworkDescription['containers'] =>
    containers.flatMap(({ containerId, endpoints }) =>
      endpoints
        .filter(({ networkId }) => networkId === id)
        .map((endpoint) => ({ containerId, endpoint })),
    );
  const plain = { internal: false, attachable: false, subnets: [], options: {}, labels: {} };
  const described: NetworkDescription[] = [
    { name: 'host', ...host, driver: 'host', ...plain, containers: of(host.id) },
    { name: 'none', ...none, driver: 'null', ...plain, containers: of(none.id) },
    ...userDefined.map(({ subnet, ipv6Subnet, ...network }) => ({
      ...network,
      subnets: [subnet, ...(ipv6Subnet ? [ipv6Subnet] : [])],
      containers: of(network.id),
    })),
  ];
  if (!bridge) return described;
  return [
    {
      name: 'bridge',
      ...bridgeIdentity,
      driver: 'bridge',
      ...plain,
      subnets: subnetsOf(bridge.addresses),
      options: {
        'com.docker.network.bridge.default_bridge': 'true',
        'com.docker.network.bridge.enable_icc': String(bridge.icc),
        'com.docker.network.bridge.enable_ip_masquerade': String(bridge.masquerade),
        'com.docker.network.bridge.host_binding_ipv4': bridge.hostAddress || '0.0.0.0',
        'com.docker.network.bridge.name': bridge.name,
        'com.docker.network.driver.mtu': String(bridge.mtu),
      },
      containers: of(bridgeIdentity.id),
    },
    ...described,
  ];
}

function subnetsOf({ gateway, ipv6Gateway }: NetworkAddresses): NetworkSubnet[] {
  const ipv4 = {
    subnet: formatIpv4Prefix(networkOf(gateway)),
    gateway: formatIpv4(gateway.address),
  };
  if (!ipv6Gateway) return [ipv4];
  const subnet = formatIpv6Prefix(networkOfIpv6(ipv6Gateway));
  return [ipv4, { subnet, gateway: formatIpv6(ipv6Gateway.address) }];
}

/** Sentences for `info`, one for each filter that may drop packets of containers. */
export function filterWarnings(
  bridge: string,
  filters: readonly ForeignFilter[],
  legacyFilter: boolean,
): string[] {
  const warnings = filters
    .filter(({ accepted }) => !accepted)
    .map(
      ({ chain }) =>
        `nft chain "${chain}" may drop packets of containers: accept "${bridge}" there`,
    );
  if (legacyFilter) {
    warnings.push('iptables-legacy has a filter table, which may drop packets of containers');
  }
  return warnings;
}
