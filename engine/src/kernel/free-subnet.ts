/** Subnets that this machine does not use yet. */
import {
  listAddresses,
  listIpv6Addresses,
  parseAddress,
  parseIpv6Address,
} from '#lib/netlink/address';
import type { Ipv4Prefix } from '#lib/netlink/ipv4';
import type { Ipv6Prefix } from '#lib/netlink/ipv6';
import { listIpv6Routes, listRoutes, parseMainIpv6Route, parseMainRoute } from '#lib/netlink/route';
import { chooseSubnet, type AddressPool } from '../network/address-pool.ts';
import { chooseSubnetOfIpv6, type Ipv6Pool } from '../network/ipv6-pool.ts';
import type { Host } from './host.ts';

/** The first subnet of `pools` that neither a route, an address nor one of `avoid` overlaps. Throws resource_exhausted. */
export function chooseIpv4Subnet(
  host: Host,
  { pools, avoid }: { pools: readonly AddressPool[]; avoid: readonly Ipv4Prefix[] },
): Ipv4Prefix {
  return chooseSubnet(pools, [...avoid, ...takenNetworks(host)]);
}

/** {@link chooseIpv4Subnet} of IPv6. */
export function chooseIpv6Subnet(
  host: Host,
  { pools, avoid }: { pools: readonly Ipv6Pool[]; avoid: readonly Ipv6Prefix[] },
): Ipv6Prefix {
  const routes = host.route.dump(listIpv6Routes()).flatMap((message) => {
    const destination = parseMainIpv6Route(message);
    return destination && destination.length > 0 ? [destination] : [];
  });
  const addresses = host.route
    .dump(listIpv6Addresses())
    .flatMap((message) => parseIpv6Address(message)?.prefix ?? []);
  return chooseSubnetOfIpv6(pools, [...avoid, ...routes, ...addresses]);
}

/** What routes (except the default route) and addresses of this machine reach. */
function takenNetworks(host: Host): Ipv4Prefix[] {
  const routes = host.route.dump(listRoutes()).flatMap((message) => {
    const destination = parseMainRoute(message)?.destination;
    return destination && destination.length > 0 ? [destination] : [];
  });
  const addresses = host.route.dump(listAddresses()).map((message) => parseAddress(message).prefix);
  return [...routes, ...addresses];
}
