/** Subnets cut from IPv6 pools, and the pool that an engine has of its own. */
import { createHash } from 'node:crypto';
import {
  formatIpv6Prefix,
  ipv6FromBytes,
  lastOfIpv6,
  networkOfIpv6,
  overlapsIpv6,
  sizeOfIpv6,
  type Ipv6Prefix,
} from '#lib/netlink/ipv6';
import { StackError } from '#spec/errors';
import type { AddressPool } from './address-pool.ts';

export type Ipv6Pool = AddressPool<Ipv6Prefix>;

/**
 * A unique local network (RFC 4193) of 65536 subnets, as docker makes one since 27: 40 bits that hardly another machine
 * has, and always the same for `identity`.
 */
export function uniqueLocalPool(identity: string): Ipv6Pool {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt8(0xfd, 0);
  createHash('sha256').update(identity).digest().copy(bytes, 1, 0, 5);
  return { base: { address: ipv6FromBytes(bytes), length: 48 }, size: 64 };
}

/** The first subnet of `pools` that shares no address with `taken`. Throws resource_exhausted. */
export function chooseSubnetOfIpv6(
  pools: readonly Ipv6Pool[],
  taken: readonly Ipv6Prefix[],
): Ipv6Prefix {
  for (const { base, size } of pools) {
    const last = lastOfIpv6(base);
    let subnet = { address: networkOfIpv6(base).address, length: size };
    while (subnet.address <= last) {
      const candidate = subnet;
      const rivals = taken.filter((prefix) => overlapsIpv6(prefix, candidate));
      if (rivals.length === 0) return candidate;
      // Behind the largest of them: pools are too large to try every subnet.
      const end = rivals.map(lastOfIpv6).reduce((a, b) => (a > b ? a : b));
      const step = sizeOfIpv6(size);
      subnet = { address: ((end - base.address) / step + 1n) * step + base.address, length: size };
    }
  }
  const names = pools.map(({ base }) => formatIpv6Prefix(base)).join(', ');
  throw new StackError(
    'resource_exhausted',
    `cannot choose an IPv6 subnet: every one of ${names} overlaps a route or an address of this machine`,
  );
}
