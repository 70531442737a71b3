/** Network namespaces of containers, kept by a bind mount, and the links in each. */
import fs from 'node:fs';
import { NetlinkConnection } from '#lib/netlink/connection';
import { changeLink, deleteLink } from '#lib/netlink/link';
import { addDefaultRoute } from '#lib/netlink/route';
import { mountFlags, umountFlags } from '#lib/sys/flags';
import { mount, umount2 } from '#lib/sys/mount';
import { NETLINK_ROUTE } from '#lib/sys/netlink-socket';
import { errorCode } from '#spec/errors';
import { threadNetworkNamespace } from './home-namespace.ts';
import type { Host } from './host.ts';
import { createOwnedNetwork } from './user-namespace.ts';
import { addUnlessRouted, connect, loopbackIndex, type SandboxLink } from './sandbox-link.ts';

/** f_type of files that stand for namespaces (statfs(2)). */
const NSFS_MAGIC = 0x6e736673;

export interface Sandbox {
  /** File that the namespace gets bind-mounted on; it must not exist yet. */
  readonly path: string;
  /** Without it the namespace has a loopback only. */
  readonly link?: SandboxLink;
  /** File of the user namespace whose root may configure it; that of engined itself without it. */
  readonly userNamespace?: string;
}

/** Creates a namespace with its links up and its routes set; on failure nothing is left of it. */
export function createSandbox(host: Host, { path, link, userNamespace }: Sandbox): void {
  fs.closeSync(fs.openSync(path, 'wx', 0o444));
  try {
    const settle = (): NetlinkConnection => {
      disableIpv6();
      return new NetlinkConnection(NETLINK_ROUTE);
    };
    let inside: NetlinkConnection;
    if (userNamespace === undefined) {
      inside = host.home.insideNew(() => {
        mount({ source: threadNetworkNamespace, target: path, flags: mountFlags.MS_BIND });
        return settle();
      });
    } else {
      createOwnedNetwork(userNamespace, path);
      inside = host.home.inside(path, settle);
    }
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
    // What it is called there may be another link's name, which made it fail.
    if (errorCode(error) !== 'EEXIST') detachLink(host, { path, interfaceName });
    throw error;
  } finally {
    inside.close();
  }
}

/** Takes one link of a namespace away; does nothing when link or namespace are gone. Waits for RCU. */
export function detachLink(
  host: Host,
  { path, interfaceName }: { path: string; interfaceName: string },
): void {
  if (!isSandbox(host, { path })) return;
  const inside = host.home.inside(path, () => new NetlinkConnection(NETLINK_ROUTE));
  try {
    inside.execute([deleteLink(interfaceName)]);
  } catch (error) {
    if (errorCode(error) !== 'ENODEV') throw error;
  } finally {
    inside.close();
  }
}

/** Gives a namespace default routes through `gateways` of either family; those that it has stay. */
export function routeThrough(
  host: Host,
  { path, gateways }: { path: string; gateways: readonly (number | bigint)[] },
): void {
  const inside = host.home.inside(path, () => new NetlinkConnection(NETLINK_ROUTE));
  try {
    for (const gateway of gateways) addUnlessRouted(inside, addDefaultRoute(gateway));
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

/** As docker does: IPv6 on loopback, and elsewhere only where a network has it, so no addresses that nobody asked for. */
function disableIpv6(): void {
  try {
    fs.writeFileSync('/proc/sys/net/ipv6/conf/all/disable_ipv6', '1'); // of links to come as well
    fs.writeFileSync('/proc/sys/net/ipv6/conf/lo/disable_ipv6', '0');
  } catch (error) {
    // A kernel without IPv6, or engined in a container that may not write settings.
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'EROFS') throw error;
  }
}
