/** The default bridge network: a bridge, a subnet, NAT, and namespaces with a link to the bridge. */
import { createHash, randomBytes } from 'node:crypto';
import type { Logger } from '#lib/log/logger';
import {
  formatIpv4,
  formatIpv4Prefix,
  networkOf,
  parseIpv4,
  type Ipv4Prefix,
} from '#lib/netlink/ipv4';
import { isStackError, messageOf } from '#spec/errors';
import type { FirewallRequest } from '../kernel/firewall.ts';
import type { ForeignFilter } from '../kernel/foreign-filters.ts';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import { AddressAllocator } from './address-allocator.ts';
import type { AddressPool } from './address-pool.ts';
import { FilterWatch } from './filter-watch.ts';
import { LinkReaper } from './link-reaper.ts';
import { macOf, parseMac } from './mac-address.ts';
import type { NetworkRecord } from './network-records.ts';
import { PreparedPool } from './prepared-pool.ts';
import type { SandboxHandle, Sandboxes } from './sandboxes.ts';

/** Enough for two containers that start together; each costs two links and some 100 kB of kernel memory. */
const preparedSandboxes = 2;
const quietMs = 150;

export interface BridgeNetworkOptions {
  readonly kernel: KernelThread;
  readonly logger: Logger;
  readonly sandboxes: Sandboxes;
  readonly bridge: string;
  readonly mtu: number;
  readonly bip: Ipv4Prefix | undefined;
  /** Tried in this order when the bridge has no address yet. */
  readonly pools: readonly AddressPool[];
  /** Networks that must stay reachable: the name servers'. */
  readonly avoid: readonly Ipv4Prefix[];
  readonly firewallIntegration: boolean;
  /** Folder that tells this engine from others on the machine. */
  readonly execRoot: string;
}

/** A bridge network that was started. */
export class BridgeNetwork {
  readonly gateway: Ipv4Prefix;
  readonly linkPrefix: string;
  readonly #options: BridgeNetworkOptions;
  readonly #firewall: FirewallRequest;
  readonly #owned: boolean;
  readonly #addresses: AddressAllocator;
  readonly #pool: PreparedPool<SandboxHandle>;
  readonly #reaper: LinkReaper;
  readonly #watch: FilterWatch | undefined;

  /** Finds or creates the bridge and writes the packet filter rules. */
  static async start(options: BridgeNetworkOptions): Promise<BridgeNetwork> {
    const { kernel, bridge, mtu, bip, pools, avoid } = options;
    const { owned, address } = await kernel.call('ensureBridge', {
      name: bridge,
      mtu,
      owner: `engined ${options.execRoot}`,
      ...(bip && { address: bip }),
      pools,
      avoid,
    });
    const network = new BridgeNetwork(options, address, owned);
    try {
      await network.#openFirewall();
    } catch (error) {
      await network.#removeAll();
      throw error;
    }
    return network;
  }

  private constructor(options: BridgeNetworkOptions, gateway: Ipv4Prefix, owned: boolean) {
    const { kernel, logger, bridge, execRoot } = options;
    this.#options = options;
    this.gateway = gateway;
    this.#firewall = { table: tableOf(bridge), networks: [{ bridge, subnet: networkOf(gateway) }] };
    this.#owned = owned;
    // The kernel allows 15 bytes: 8 tell the engine, 7 the container.
    this.linkPrefix = `v${createHash('sha256').update(execRoot).digest('hex').slice(0, 6)}-`;
    this.#addresses = new AddressAllocator(gateway);
    this.#reaper = new LinkReaper(kernel, this.linkPrefix, logger);
    this.#watch = options.firewallIntegration
      ? new FilterWatch({ kernel, bridge, own: this.#firewall, logger })
      : undefined;
    this.#pool = new PreparedPool({
      size: preparedSandboxes,
      quietMs,
      create: () => this.#create(),
      destroy: (sandbox) => this.destroy(sandbox.path, sandbox.link),
      failed: (error) => logger.debug('cannot prepare a network', { reason: messageOf(error) }),
    });
  }

  get foreignFilters(): readonly ForeignFilter[] {
    return this.#watch?.filters ?? [];
  }

  /** A namespace with eth0, an address and a default route. Throws resource_exhausted. */
  async connect(mac?: string): Promise<SandboxHandle> {
    if (mac !== undefined) return this.#create(parseMac(mac));
    const ready = this.#pool.take();
    if (ready) return ready;
    try {
      return await this.#create();
    } catch (error) {
      if (!isStackError(error, 'resource_exhausted')) throw error;
      const last = await this.#pool.takeNext(); // it may have the last address
      if (last) return last;
      throw error;
    }
  }

  /** Takes over a container's address from an earlier run. */
  adopt({ network }: NetworkRecord): void {
    this.#addresses.reserve(parseIpv4(network.ipAddress));
  }

  /** Removes a namespace; its address is free as soon as its link is gone. */
  async destroy(
    sandboxPath: string,
    link: { hostName: string; address: Ipv4Prefix } | undefined,
  ): Promise<void> {
    await this.#options.sandboxes.remove(sandboxPath);
    if (!link) return;
    this.#reaper.watch(link.hostName, () => this.#addresses.release(link.address.address));
  }

  /** Deletes links of an earlier run that belong to no container. */
  async removeOtherLinks(keep: ReadonlySet<string>): Promise<void> {
    const { kernel } = this.#options;
    const links = await kernel.call('listLinksByPrefix', { prefix: this.linkPrefix });
    for (const name of links.filter((link) => !keep.has(link))) {
      this.#reaper.watch(name, () => undefined);
    }
  }

  /** Starts to prepare namespaces; call it when what an earlier run left is adopted or gone. */
  prepare(): void {
    this.#pool.fill();
  }

  /** Tells whether containers are connected. */
  containersRun(running: boolean): void {
    this.#watch?.containersRun(running);
  }

  /** Ends background work; with `remove` also removes rules and, if this engine created it, the bridge. */
  async stop(remove: boolean): Promise<void> {
    await this.#pool.close();
    await this.#reaper.drain();
    await this.#watch?.stop(remove);
    if (remove) await this.#removeAll();
  }

  async #create(mac?: string): Promise<SandboxHandle> {
    const { bridge, mtu, sandboxes } = this.#options;
    const address = this.#addresses.allocate();
    try {
      return await sandboxes.create({
        hostName: this.linkPrefix + randomBytes(4).toString('hex').slice(0, 7),
        bridge,
        mtu,
        mac: mac ?? macOf(address),
        address: { address, length: this.gateway.length },
        gateway: this.gateway.address,
      });
    } catch (error) {
      this.#addresses.release(address);
      throw error;
    }
  }

  async #openFirewall(): Promise<void> {
    const { kernel, logger, bridge } = this.#options;
    await kernel.call('writeFirewall', this.#firewall);
    try {
      if (await kernel.call('enableForwarding')) logger.info('enabled net.ipv4.ip_forward');
    } catch (error) {
      logger.warn('cannot enable net.ipv4.ip_forward: containers cannot reach other machines', {
        error,
      });
    }
    await this.#watch?.start();
    logger.info('default bridge is up', {
      bridge,
      gateway: formatIpv4Prefix(this.gateway),
      created: this.#owned,
    });
  }

  async #removeAll(): Promise<void> {
    const { kernel, bridge } = this.#options;
    await kernel.call('removeFirewall', { table: tableOf(bridge) });
    if (this.#owned) await kernel.call('removeLink', { name: bridge });
  }
}

/** The engine's nft table. Bridges have one name per network namespace, and so have tables. */
function tableOf(bridge: string): string {
  return `engined_${bridge}`;
}

/** The fields of a container's network that a link gives it. */
export function addressFields(link: SandboxHandle['link']): {
  ipAddress: string;
  prefixLength: number;
  gateway: string;
  macAddress: string;
} {
  return {
    ipAddress: link ? formatIpv4(link.address.address) : '',
    prefixLength: link?.address.length ?? 0,
    gateway: link ? formatIpv4(link.gateway) : '',
    macAddress: link?.mac ?? '',
  };
}
