/** A container's link: made in its namespace, with its addresses and routes. */
import fs from 'node:fs';
import { addAddress, addIpv6Address } from '#lib/netlink/address';
import type { NetlinkConnection } from '#lib/netlink/connection';
import type { Ipv4Prefix } from '#lib/netlink/ipv4';
import type { Ipv6Prefix } from '#lib/netlink/ipv6';
import { changeLink, createVeth, getLink, parseLink } from '#lib/netlink/link';
import type { NetlinkRequest } from '#lib/netlink/message';
import { addDefaultRoute, addDefaultRouteByLink } from '#lib/netlink/route';
import { createStacked, isolatePort, type StackedKind } from '#lib/netlink/virtual-link';
import { errorCode } from '#spec/errors';
import type { Host } from './host.ts';

/** The kernel's number for `lo` in every new namespace. */
export const loopbackIndex = 1;

export interface SandboxLink {
  readonly attachment: BridgePort | StackedOn;
  readonly mtu: number;
  readonly ipv4: {
    readonly address: Ipv4Prefix;
    /** Of the default route; undefined for a network that leads nowhere. */
    readonly gateway: number | undefined;
  };
  /** Undefined for a network without IPv6. */
  readonly ipv6: { readonly address: Ipv6Prefix; readonly gateway: bigint | undefined } | undefined;
}

/** A veth pair whose end on the host is a port of a bridge. */
export interface BridgePort {
  readonly kind: 'bridge';
  /** Name of the end on the host. */
  readonly hostName: string;
  readonly bridge: string;
  readonly mac: string;
  /** Whether it reaches the bridge only, not the other isolated ports. */
  readonly isolated: boolean;
}

/** A macvlan or ipvlan link; it has no end on the host. */
export interface StackedOn {
  readonly kind: 'stacked';
  /** Name of the host's link below. */
  readonly parent: string;
  readonly how: StackedKind;
  /** Whether the default route leads by the link itself instead of a gateway (ipvlan l3). */
  readonly routesItself: boolean;
}

/** Makes the link in the namespace at `path`, which `inside` is connected to, and brings it up. */
export function connect(
  host: Host,
  inside: NetlinkConnection,
  path: string,
  link: SandboxLink,
  interfaceName: string,
): void {
  createLink(host, path, link, interfaceName);
  const { index } = parseLink(inside.get(getLink(interfaceName)));
  const { ipv4, ipv6, attachment } = link;
  if (ipv6) host.home.inside(path, () => enableIpv6(interfaceName));
  inside.execute([
    changeLink(loopbackIndex, { up: true }),
    addAddress({ index, prefix: ipv4.address }),
    ...(ipv6 ? [addIpv6Address({ index, prefix: ipv6.address })] : []),
    changeLink(index, { up: true }),
  ]);
  if (attachment.kind === 'stacked' && attachment.routesItself) {
    addUnlessRouted(inside, addDefaultRouteByLink(index, 'ipv4'));
    if (ipv6) addUnlessRouted(inside, addDefaultRouteByLink(index, 'ipv6'));
    return;
  }
  if (ipv4.gateway !== undefined) addUnlessRouted(inside, addDefaultRoute(ipv4.gateway));
  if (ipv6?.gateway !== undefined) addUnlessRouted(inside, addDefaultRoute(ipv6.gateway));
}

/** Adds a default route; one that is there stays. */
export function addUnlessRouted(inside: NetlinkConnection, route: NetlinkRequest): void {
  try {
    inside.execute([route]);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

function createLink(
  host: Host,
  path: string,
  { attachment, mtu }: SandboxLink,
  interfaceName: string,
): void {
  const below = attachment.kind === 'bridge' ? attachment.bridge : attachment.parent;
  const { index } = parseLink(host.route.get(getLink(below)));
  const namespaceFd = fs.openSync(path, 'r');
  try {
    if (attachment.kind === 'stacked') {
      const { how } = attachment;
      const stacked = { name: interfaceName, parent: index, mtu, how, namespaceFd };
      host.route.execute([createStacked(stacked)]);
      return;
    }
    const { hostName, mac, isolated } = attachment;
    const peer = { name: interfaceName, mac, namespaceFd };
    host.route.execute([
      createVeth({ name: hostName, master: index, mtu, peer }),
      ...(isolated ? [isolatePort(hostName)] : []),
    ]);
  } finally {
    fs.closeSync(namespaceFd);
  }
}

/** Lets a link of the thread's namespace have IPv6, of addresses that it is given or that a router tells of. */
function enableIpv6(interfaceName: string): void {
  fs.writeFileSync(`/proc/sys/net/ipv6/conf/${interfaceName}/disable_ipv6`, '0');
}
