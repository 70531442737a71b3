/** What IPv4 and IPv6 have in common for those who give out addresses: only numbers and words differ. */
import {
  broadcastOf,
  formatIpv4,
  formatIpv4Prefix,
  networkOf,
  overlaps,
  parseIpv4Prefix,
  type Ipv4Prefix,
} from '#lib/netlink/ipv4';
import {
  formatIpv6,
  formatIpv6Prefix,
  lastOfIpv6,
  networkOfIpv6,
  overlapsIpv6,
  parseIpv6Prefix,
  type Ipv6Prefix,
} from '#lib/netlink/ipv6';

/** An address with the length of its network's prefix. */
export type Prefix = Ipv4Prefix | Ipv6Prefix;

export interface AddressFamily<P extends Prefix> {
  readonly name: 'IPv4' | 'IPv6';
  /** Length of an address. */
  readonly bits: number;
  /** Whether the last address of a subnet is no host's: it is broadcast. */
  readonly hasBroadcast: boolean;
  readonly parse: (text: string) => P;
  readonly format: (address: P['address']) => string;
  readonly formatPrefix: (prefix: P) => string;
  /** The first address of the network that holds `prefix`. */
  readonly networkOf: (prefix: P) => P;
  /** The last one. */
  readonly lastOf: (prefix: P) => P['address'];
  readonly overlaps: (a: P, b: P) => boolean;
  readonly contains: (prefix: P, address: P['address']) => boolean;
  /** The address that follows. */
  readonly next: (address: P['address']) => P['address'];
}

export const ipv4: AddressFamily<Ipv4Prefix> = {
  name: 'IPv4',
  bits: 32,
  hasBroadcast: true,
  parse: parseIpv4Prefix,
  format: formatIpv4,
  formatPrefix: formatIpv4Prefix,
  networkOf,
  lastOf: broadcastOf,
  overlaps,
  contains: (prefix, address) => overlaps(prefix, { address, length: 32 }),
  next: (address) => address + 1,
};

export const ipv6: AddressFamily<Ipv6Prefix> = {
  name: 'IPv6',
  bits: 128,
  hasBroadcast: false,
  parse: parseIpv6Prefix,
  format: formatIpv6,
  formatPrefix: formatIpv6Prefix,
  networkOf: networkOfIpv6,
  lastOf: lastOfIpv6,
  overlaps: overlapsIpv6,
  contains: (prefix, address) => overlapsIpv6(prefix, { address, length: 128 }),
  next: (address) => address + 1n,
};
