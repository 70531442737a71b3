/** The host's side of a bridge network: the bridge, its address, forwarding. */
import fs from 'node:fs';
import { addAddress, listAddresses, parseAddress, removeAddress } from '#lib/netlink/address';
import {
  broadcastOf,
  formatIpv4Prefix,
  networkOf,
  overlaps,
  type Ipv4Prefix,
} from '#lib/netlink/ipv4';
import { changeLink, createBridge, getLink, parseLink, type Link } from '#lib/netlink/link';
import { listRoutes, parseMainRoute } from '#lib/netlink/route';
import { isStackError, StackError } from '#spec/errors';
import { chooseSubnet, type AddressPool } from '../network/address-pool.ts';
import { macOf } from '../network/mac-address.ts';
import type { Host } from './host.ts';
import { removeLink } from './sandbox.ts';

const ipForward = '/proc/sys/net/ipv4/ip_forward';

export interface BridgeRequest {
  readonly name: string;
  readonly mtu: number;
  /** Text that marks a bridge as created by this engine (its alias). */
  readonly owner: string;
  /** The address it must have. */
  readonly address?: Ipv4Prefix;
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
    return { owned: existing.alias === request.owner, address: held };
  }
  const owned = !existing || existing.alias === request.owner;
  try {
    return { owned, address: addressBridge(host, request, existing) };
  } catch (error) {
    if (!existing) removeLink(host, request);
    throw error;
  }
}

/** Lets the machine forward IPv4 packets. Returns whether that was off before. */
export function enableForwarding(_host: Host): boolean {
  if (fs.readFileSync(ipForward, 'utf8').trim() === '1') return false;
  fs.writeFileSync(ipForward, '1');
  return true;
}

/** Creates the bridge where it is missing and gives it an address that no other link contests. */
function addressBridge(host: Host, request: BridgeRequest, existing: Link | undefined): Ipv4Prefix {
  const refused: Ipv4Prefix[] = [];
  for (;;) {
    const address =
      request.address ??
      firstHost(
        chooseSubnet(request.pools, [...request.avoid, ...refused, ...takenNetworks(host)]),
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

function findLink(host: Host, name: string): Link | undefined {
  try {
    return parseLink(host.route.get(getLink(name)));
  } catch (error) {
    if (isStackError(error, 'not_found')) return undefined;
    throw error;
  }
}

function addressOf(host: Host, link: Link): Ipv4Prefix | undefined {
  return host.route
    .dump(listAddresses())
    .map(parseAddress)
    .find(({ index }) => index === link.index)?.prefix;
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
