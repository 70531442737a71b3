/** Pools that subnets are cut from: docker's `--default-address-pool base=…,size=…`. */
import {
  formatIpv4Prefix,
  overlaps,
  parseIpv4Prefix,
  sizeOf,
  type Ipv4Prefix,
} from '#lib/netlink/ipv4';
import { StackError } from '#spec/errors';
import type { AddressFamily, Prefix } from './address-family.ts';

export interface AddressPool<P extends Prefix = Ipv4Prefix> {
  readonly base: P;
  /** Prefix length of each subnet cut from it. */
  readonly size: number;
}

/**
 * The private ranges that docker uses, in an order that keeps out of its way: 172.17.0.0/16 belongs to docker0
 * even while docker is not running, and docker's own networks begin at 172.18.0.0/16.
 */
export const defaultAddressPools: readonly AddressPool[] = [
  ...Array.from({ length: 13 }, (_, index) => pool(`172.${30 - index}.0.0/16`, 16)),
  pool('192.168.0.0/16', 20),
];

/** `base=10.10.0.0/16,size=24`. Throws invalid_argument. */
export function parseAddressPool<P extends Prefix>(
  family: AddressFamily<P>,
  text: string,
): AddressPool<P> {
  const fields = new Map(
    text.split(',').map((field) => {
      const [key = '', ...value] = field.split('=');
      return [key.trim().toLowerCase(), value.join('=').trim()];
    }),
  );
  const base = fields.get('base');
  const size = fields.get('size') ?? '';
  if (base === undefined || !/^\d+$/.test(size) || fields.size !== 2) {
    throw invalid(text, 'expected "base=<subnet>,size=<prefix length>"');
  }
  const prefix = family.networkOf(family.parse(base));
  const largest = family.bits - 2;
  if (Number(size) < prefix.length || Number(size) > largest) {
    throw invalid(text, `size must be from ${prefix.length} to ${largest}`);
  }
  return { base: prefix, size: Number(size) };
}

/** The first subnet of `pools` that shares no address with `taken`. Throws resource_exhausted. */
export function chooseSubnet(
  pools: readonly AddressPool[],
  taken: readonly Ipv4Prefix[],
): Ipv4Prefix {
  for (const { base, size } of pools) {
    const step = sizeOf(size);
    for (let offset = 0; offset < sizeOf(base.length); offset += step) {
      const subnet = { address: base.address + offset, length: size };
      if (!taken.some((prefix) => overlaps(prefix, subnet))) return subnet;
    }
  }
  const names = pools.map(({ base }) => formatIpv4Prefix(base)).join(', ');
  throw new StackError(
    'resource_exhausted',
    `cannot choose a subnet: every one of ${names} overlaps a route or an address of this machine`,
  );
}

function pool(base: string, size: number): AddressPool {
  return { base: parseIpv4Prefix(base), size };
}

function invalid(text: string, reason: string): StackError {
  return new StackError('invalid_argument', `invalid address pool "${text}": ${reason}`);
}
