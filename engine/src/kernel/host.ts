/** What the kernel thread holds open for its whole life, all of it in the host's network namespace. */
import { NetlinkConnection } from '#lib/netlink/connection';
import { RulesetMonitor } from '#lib/nft/monitor';
import { NETLINK_NETFILTER, NETLINK_ROUTE } from '#lib/sys/netlink-socket';
import { HomeNamespace } from './home-namespace.ts';

export class Host {
  readonly home = new HomeNamespace();
  #route: NetlinkConnection | undefined;
  #nft: NetlinkConnection | undefined;
  #monitor: RulesetMonitor | undefined;

  /** Links, addresses and routes. */
  get route(): NetlinkConnection {
    return (this.#route ??= new NetlinkConnection(NETLINK_ROUTE));
  }

  /** Packet filter rules. */
  get nft(): NetlinkConnection {
    return (this.#nft ??= new NetlinkConnection(NETLINK_NETFILTER));
  }

  /** Whether others changed packet filter rules since the last call; the first call says yes. */
  filtersChanged(): boolean {
    if (this.#monitor) return this.#monitor.changed(this.nft.portId);
    this.#monitor = new RulesetMonitor();
    return true;
  }

  close(): void {
    this.#route?.close();
    this.#nft?.close();
    this.#monitor?.close();
  }
}
