/** The host's side of a bridge network: the bridge and its addresses. */
import fs from 'node:fs';
import {
  addAddress,
  addIpv6Address,
  listAddresses,
  listIpv6Addresses,
  parseAddress,
  parseIpv6Address,
  removeAddress,
  removeIpv6Address,
} from '#lib/netlink/address';
import {
  broadcastOf,
  formatIpv4Prefix,
  networkOf,
  overlaps,
  type Ipv4Prefix,
} from '#lib/netlink/ipv4';
import { formatIpv6Prefix, type Ipv6Prefix } from '#lib/netlink/ipv6';
import { changeLink, createBridge, getLink, parseLink, type Link } from '#lib/netlink/link';
import { StackError } from '#spec/errors';
import type { AddressPool } from '../network/address-pool.ts';
import { macOf } from '../network/mac-address.ts';
import { chooseIpv4Subnet } from './free-subnet.ts';
import type { Host } from './host.ts';
import { findLink, removeLink } from './links.ts';

export interface BridgeRequest {
  readonly name: string;
  readonly mtu: number;
  /** Text that marks a bridge as created by this engine (its alias). */
  readonly owner: string;
  /** The address it must have. */
  readonly address?: Ipv4Prefix;
  /** Its IPv6 address; without it the bridge has none but what the kernel gives it for its link. */
  readonly ipv6Address?: Ipv6Prefix;
  /** Where an address comes from when it has none and none is given. */
  readonly pools: readonly AddressPool[];
  /** Networks that must stay reachable besides those that routes and addresses tell of. */
  readonly avoid: readonly Ipv4Prefix[];
}

export interface BridgeState {
  /** This engine created the bridge, now or in an earlier run. */
  readonly owned: boolean;
  readonly address: Ipv4Prefix;
}

/**
 * Finds or creates a bridge, gives it an address and brings it up. A bridge that has an address keeps it.
 * Throws conflict when that is not the one asked for, invalid_argument when the name is another kind of link.
 */
export function ensureBridge(host: Host, request: BridgeRequest): BridgeState {
  const state = ensureIpv4(host, request);
  if (!request.ipv6Address) return state;
  try {
    addressByIpv6(host, request.name, request.ipv6Address, state);
  } catch (error) {
    if (state.created) removeLink(host, request);
    throw error;
  }
  return state;
}

function ensureIpv4(host: Host, request: BridgeRequest): BridgeState & { created: boolean } {
  const existing = findLink(host, request.name);
  if (existing && existing.kind !== 'bridge') {
    throw new StackError('invalid_argument', `link "${request.name}" exists and is not a bridge`);
  }
  const held = existing && addressOf(host, existing);
  if (held && request.address && formatIpv4Prefix(held) !== formatIpv4Prefix(request.address)) {
    throw new StackError(
      'conflict',
      `bridge "${request.name}" has address ${formatIpv4Prefix(held)}, not ${formatIpv4Prefix(request.address)}`,
    );
  }
  if (existing && held) {
    host.route.execute([changeLink(existing.index, { up: true })]);
    return { owned: existing.alias === request.owner, address: held, created: false };
  }
  const owned = !existing || existing.alias === request.owner;
  try {
    return { owned, address: addressBridge(host, request, existing), created: !existing };
  } catch (error) {
    if (!existing) removeLink(host, request);
    throw error;
  }
}

/** Gives the bridge its IPv6 address. One of ours that has another from an earlier run loses that; one of an administrator keeps it. */
function addressByIpv6(host: Host, name: string, address: Ipv6Prefix, state: BridgeState): void {
  const settings = `/proc/sys/net/ipv6/conf/${name}`;
  fs.writeFileSync(`${settings}/disable_ipv6`, '0');
  fs.writeFileSync(`${settings}/accept_ra`, '0'); // containers are no routers
  const { index } = parseLink(host.route.get(getLink(name)));
  const held = host.route
    .dump(listIpv6Addresses())
    .flatMap((message) => parseIpv6Address(message) ?? [])
    .filter((candidate) => candidate.index === index);
  const wanted = formatIpv6Prefix(address);
  const others = held.filter(({ prefix }) => formatIpv6Prefix(prefix) !== wanted);
  if (state.owned) for (const other of others) host.route.execute([removeIpv6Address(other)]);
  if (held.length === others.length)
    host.route.execute([addIpv6Address({ index, prefix: address })]);
}

/** Creates the bridge where it is missing and gives it an address that no other link contests. */
function addressBridge(host: Host, request: BridgeRequest, existing: Link | undefined): Ipv4Prefix {
  const refused: Ipv4Prefix[] = [];
  for (;;) {
    const address =
      request.address ??
      firstHost(
        chooseIpv4Subnet(host, { pools: request.pools, avoid: [...request.avoid, ...refused] }),
      );
    const link = existing ?? findLink(host, request.name) ?? createOne(host, request, address);
    host.route.execute([
      addAddress({ index: link.index, prefix: address }),
      changeLink(link.index, { up: true }),
    ]);
    // Two engines that start together may choose the same subnet: the bridge that was created first keeps it.
    const contested = host.route
      .dump(listAddresses())
      .map(parseAddress)
      .some(({ index, prefix }) => index < link.index && overlaps(prefix, address));
    if (!contested || request.address) return address;
    host.route.execute([removeAddress({ index: link.index, prefix: address })]);
    refused.push(address);
  }
}

function createOne(host: Host, { name, mtu, owner }: BridgeRequest, { address }: Ipv4Prefix): Link {
  host.route.execute([createBridge({ name, mac: macOf(address), mtu })]);
  const link = parseLink(host.route.get(getLink(name)));
  host.route.execute([changeLink(link.index, { alias: owner })]);
  return link;
}

function addressOf(host: Host, link: Link): Ipv4Prefix | undefined {
  return host.route
    .dump(listAddresses())
    .map(parseAddress)
    .find(({ index }) => index === link.index)?.prefix;
}

/** The gateway's address: the first of the subnet that may be a host's. */
function firstHost(subnet: Ipv4Prefix): Ipv4Prefix {
  const address = networkOf(subnet).address + 1;
  if (address >= broadcastOf(subnet)) {
    throw new StackError(
      'invalid_argument',
      `subnet ${formatIpv4Prefix(subnet)} has no room for hosts`,
    );
  }
  return { address, length: subnet.length };
}
