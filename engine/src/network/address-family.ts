/** What IPv4 and IPv6 have in common for those who give out addresses: only numbers and words differ. */
import {
  broadcastOf,
  formatIpv4,
  formatIpv4Prefix,
  networkOf,
  overlaps,
  parseIpv4,
  parseIpv4Prefix,
  type Ipv4Prefix,
} from '#lib/netlink/ipv4';
import {
  formatIpv6,
  formatIpv6Prefix,
  lastOfIpv6,
  networkOfIpv6,
  overlapsIpv6,
  parseIpv6,
  parseIpv6Prefix,
  type Ipv6Prefix,
} from '#lib/netlink/ipv6';

/** An address with the length of its network's prefix. */
export type Prefix = Ipv4Prefix | Ipv6Prefix;

export interface AddressFamily<P extends Prefix> {
  readonly name: 'IPv4' | 'IPv6';
  /** Length of an address. */
  readonly bits: number;
  readonly parse: (text: string) => P;
  readonly parseAddress: (text: string) => P['address'];
  readonly format: (address: P['address']) => string;
  readonly formatPrefix: (prefix: P) => string;
  /** The first address of the network that holds `prefix`. */
  readonly networkOf: (prefix: P) => P;
  /** The last one. */
  readonly lastOf: (prefix: P) => P['address'];
  readonly overlaps: (a: P, b: P) => boolean;
  readonly contains: (prefix: P, address: P['address']) => boolean;
  /** Whether an address may belong to a host of the subnet. */
  readonly hosts: (subnet: P, address: P['address']) => boolean;
  /** The address that follows. */
  readonly next: (address: P['address']) => P['address'];
}

export const ipv4: AddressFamily<Ipv4Prefix> = {
  name: 'IPv4',
  bits: 32,
  parse: parseIpv4Prefix,
  parseAddress: parseIpv4,
  format: formatIpv4,
  formatPrefix: formatIpv4Prefix,
  networkOf,
  lastOf: broadcastOf,
  overlaps,
  contains: containsIpv4,
  hosts: (subnet, address) =>
    containsIpv4(subnet, address) &&
    address !== networkOf(subnet).address &&
    address !== broadcastOf(subnet),
  next: (address) => address + 1,
};

export const ipv6: AddressFamily<Ipv6Prefix> = {
  name: 'IPv6',
  bits: 128,
  parse: parseIpv6Prefix,
  parseAddress: parseIpv6,
  format: formatIpv6,
  formatPrefix: formatIpv6Prefix,
  networkOf: networkOfIpv6,
  lastOf: lastOfIpv6,
  overlaps: overlapsIpv6,
  contains: containsIpv6,
  hosts: (subnet, address) =>
    containsIpv6(subnet, address) && address !== networkOfIpv6(subnet).address, // that is any router's
  next: (address) => address + 1n,
};

function containsIpv4(prefix: Ipv4Prefix, address: number): boolean {
  return overlaps(prefix, { address, length: 32 });
}

function containsIpv6(prefix: Ipv6Prefix, address: bigint): boolean {
  return overlapsIpv6(prefix, { address, length: 128 });
}
