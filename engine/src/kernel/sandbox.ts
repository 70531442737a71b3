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
  readonly gateway: number;
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
      if (link) connect(host, inside, path, link);
      else inside.execute([changeLink(loopbackIndex, { up: true })]);
    } finally {
      inside.close();
    }
  } catch (error) {
    removeSandbox(host, { path });
    throw error;
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

/** Deletes a link that may be gone already. Waits for RCU. */
export function removeLink(host: Host, { name }: { name: string }): void {
  try {
    host.route.execute([deleteLink(name)]);
  } catch (error) {
    if (errorCode(error) !== 'ENODEV') throw error;
  }
}

function connect(host: Host, inside: NetlinkConnection, path: string, link: SandboxLink): void {
  const { hostName, bridge, mac, mtu, address, gateway } = link;
  const master = parseLink(host.route.get(getLink(bridge))).index;
  const namespaceFd = fs.openSync(path, 'r');
  try {
    const peer = { name: 'eth0', mac, namespaceFd };
    host.route.execute([createVeth({ name: hostName, master, mtu, peer })]);
  } finally {
    fs.closeSync(namespaceFd);
  }
  const { index } = parseLink(inside.get(getLink('eth0')));
  inside.execute([
    changeLink(loopbackIndex, { up: true }),
    addAddress({ index, prefix: address }),
    changeLink(index, { up: true }),
    addDefaultRoute(gateway),
  ]);
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
