/** Network namespaces of containers, kept by a bind mount, and the veth pair into each. */
import fs from 'node:fs';
import { addAddress } from '#lib/netlink/address';
import { NetlinkConnection } from '#lib/netlink/connection';
import type { Ipv4Prefix } from '#lib/netlink/ipv4';
import {
  changeLink,
  createVeth,
  deleteLink,
  getLink,
  listLinks,
  parseLink,
} from '#lib/netlink/link';
import { addDefaultRoute } from '#lib/netlink/route';
import { mountFlags, umountFlags } from '#lib/sys/flags';
import { mount, umount2 } from '#lib/sys/mount';
import { NETLINK_ROUTE } from '#lib/sys/netlink-socket';
import { errorCode } from '#spec/errors';
import { threadNetworkNamespace } from './home-namespace.ts';
import type { Host } from './host.ts';

/** The kernel's number for `lo` in every new namespace. */
const loopbackIndex = 1;
/** f_type of files that stand for namespaces (statfs(2)). */
const NSFS_MAGIC = 0x6e736673;

/** A container's link to a bridge. */
export interface SandboxLink {
  /** Name of the end on the host. */
  readonly hostName: string;
  readonly bridge: string;
  readonly mac: string;
  readonly mtu: number;
  readonly address: Ipv4Prefix;
  /** Of the default route; undefined for a network that leads nowhere. */
  readonly gateway: number | undefined;
}

export interface Sandbox {
  /** File that the namespace gets bind-mounted on; it must not exist yet. */
  readonly path: string;
  /** Without it the namespace has a loopback only. */
  readonly link?: SandboxLink;
}

/** Creates a namespace with its links up and its routes set; on failure nothing is left of it. */
export function createSandbox(host: Host, { path, link }: Sandbox): void {
  fs.closeSync(fs.openSync(path, 'wx', 0o444));
  try {
    const inside = host.home.insideNew(() => {
      mount({ source: threadNetworkNamespace, target: path, flags: mountFlags.MS_BIND });
      disableIpv6();
      return new NetlinkConnection(NETLINK_ROUTE);
    });
    try {
      if (link) connect(host, inside, path, link, 'eth0');
      else inside.execute([changeLink(loopbackIndex, { up: true })]);
    } finally {
      inside.close();
    }
  } catch (error) {
    removeSandbox(host, { path });
    throw error;
  }
}

/** A further link of a namespace that exists. */
export interface AttachedLink {
  readonly path: string;
  readonly link: SandboxLink;
  /** `eth1` */
  readonly interfaceName: string;
}

/** Gives a namespace one more link, and a default route by it where it has none. On failure no link is left. */
export function attachLink(host: Host, { path, link, interfaceName }: AttachedLink): void {
  const inside = host.home.inside(path, () => new NetlinkConnection(NETLINK_ROUTE));
  try {
    connect(host, inside, path, link, interfaceName);
  } catch (error) {
    removeLink(host, { name: link.hostName });
    throw error;
  } finally {
    inside.close();
  }
}

/** Gives a namespace a default route; one that it has stays. */
export function routeThrough(
  host: Host,
  { path, gateway }: { path: string; gateway: number },
): void {
  const inside = host.home.inside(path, () => new NetlinkConnection(NETLINK_ROUTE));
  try {
    addRouteUnlessRouted(inside, gateway);
  } finally {
    inside.close();
  }
}

/**
 * Lets go of a namespace. The kernel deletes it with its end of the veth pair, and so the pair, soon after the
 * last process left; that takes some 10 ms in which nobody has to wait.
 */
export function removeSandbox(_host: Host, { path }: { path: string }): void {
  try {
    umount2(path, umountFlags.MNT_DETACH);
  } catch (error) {
    // ENOENT: removed before; EINVAL: the file was never mounted on, or the machine was restarted.
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'EINVAL') throw error;
  }
  fs.rmSync(path, { force: true });
}

/** Whether a namespace is mounted on `path`. */
export function isSandbox(_host: Host, { path }: { path: string }): boolean {
  try {
    return fs.statfsSync(path).type === NSFS_MAGIC;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Makes the host's own namespace reachable by a path as well; does nothing where it is already. */
export function mountHostNamespace(host: Host, { path }: { path: string }): void {
  if (isSandbox(host, { path })) return;
  fs.closeSync(fs.openSync(path, 'w', 0o444));
  mount({ source: threadNetworkNamespace, target: path, flags: mountFlags.MS_BIND });
}

/** Names of the host's links that begin with `prefix`. */
export function listLinksByPrefix(host: Host, { prefix }: { prefix: string }): string[] {
  return host.route
    .dump(listLinks())
    .map((message) => parseLink(message).name)
    .filter((name) => name.startsWith(prefix));
}

/** Names of the host's links that have this alias. */
export function listLinksByAlias(host: Host, { alias }: { alias: string }): string[] {
  return host.route
    .dump(listLinks())
    .map(parseLink)
    .filter((link) => link.alias === alias)
    .map(({ name }) => name);
}

/** Deletes a link that may be gone already. Waits for RCU. */
export function removeLink(host: Host, { name }: { name: string }): void {
  try {
    host.route.execute([deleteLink(name)]);
  } catch (error) {
    if (errorCode(error) !== 'ENODEV') throw error;
  }
}

function connect(
  host: Host,
  inside: NetlinkConnection,
  path: string,
  link: SandboxLink,
  interfaceName: string,
): void {
  const { hostName, bridge, mac, mtu, address, gateway } = link;
  const master = parseLink(host.route.get(getLink(bridge))).index;
  const namespaceFd = fs.openSync(path, 'r');
  try {
    const peer = { name: interfaceName, mac, namespaceFd };
    host.route.execute([createVeth({ name: hostName, master, mtu, peer })]);
  } finally {
    fs.closeSync(namespaceFd);
  }
  const { index } = parseLink(inside.get(getLink(interfaceName)));
  inside.execute([
    changeLink(loopbackIndex, { up: true }),
    addAddress({ index, prefix: address }),
    changeLink(index, { up: true }),
  ]);
  if (gateway !== undefined) addRouteUnlessRouted(inside, gateway);
}

function addRouteUnlessRouted(inside: NetlinkConnection, gateway: number): void {
  try {
    inside.execute([addDefaultRoute(gateway)]);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

/** As docker does for networks without IPv6: no link-local addresses that nobody asked for. */
function disableIpv6(): void {
  try {
    fs.writeFileSync('/proc/sys/net/ipv6/conf/all/disable_ipv6', '1');
  } catch (error) {
    // A kernel without IPv6, or engined in a container that may not write settings.
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'EROFS') throw error;
  }
}
