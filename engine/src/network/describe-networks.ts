/** The networks of this machine as descriptions, and what there is to say about its packet filters. */
import { formatIpv4, formatIpv4Prefix, networkOf, type Ipv4Prefix } from '#lib/netlink/ipv4';
import type { ForeignFilter } from '../kernel/foreign-filters.ts';
import type { ContainerNetwork, NetworkDescription } from './network-controller.ts';
import type { NetworkIdentities } from './network-identities.ts';
import type { StoredNetwork } from './network-store.ts';

export interface DescribedNetworks {
  readonly identities: NetworkIdentities;
  /** Undefined without a default bridge. */
  readonly bridge:
    { readonly name: string; readonly gateway: Ipv4Prefix; readonly mtu: number } | undefined;
  readonly userDefined: readonly StoredNetwork[];
  /** Of all running containers. */
  readonly containers: readonly ContainerNetwork[];
}

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
    ...userDefined.map(({ subnet, ...network }) => ({
      ...network,
      driver: 'bridge' as const,
      subnets: [subnet],
      containers: of(network.id),
    })),
  ];
  if (!bridge) return described;
  const options = {
    'com.docker.network.bridge.default_bridge': 'true',
    'com.docker.network.bridge.enable_icc': 'true',
    'com.docker.network.bridge.enable_ip_masquerade': 'true',
    'com.docker.network.bridge.name': bridge.name,
    'com.docker.network.driver.mtu': String(bridge.mtu),
  };
  const subnet = formatIpv4Prefix(networkOf(bridge.gateway));
  const description: NetworkDescription = {
    name: 'bridge',
    ...bridgeIdentity,
    driver: 'bridge',
    ...plain,
    subnets: [{ subnet, gateway: formatIpv4(bridge.gateway.address) }],
    options,
    containers: of(bridgeIdentity.id),
  };
  return [description, ...described];
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
