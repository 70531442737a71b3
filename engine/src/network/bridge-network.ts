/** A bridge network: a bridge, its subnets, and namespaces with a link to the bridge. */
import { randomBytes } from 'node:crypto';
import type { Logger } from '#lib/log/logger';
import { formatIpv4Prefix, networkOf, type Ipv4Prefix } from '#lib/netlink/ipv4';
import { networkOfIpv6, type Ipv6Prefix } from '#lib/netlink/ipv6';
import { isStackError, messageOf } from '#spec/errors';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import type { SandboxLink } from '../kernel/sandbox-link.ts';
import type { AddressPool } from './address-pool.ts';
import type { Firewall } from './firewall.ts';
import type { LinkReaper } from './link-reaper.ts';
import {
  addressesOf,
  type LinkedNetwork,
  type LinkPlace,
  type LinkWishes,
} from './linked-network.ts';
import { macOf, parseMac } from './mac-address.ts';
import { NetworkAddresses, type SubnetPlan } from './network-addresses.ts';
import { PreparedPool } from './prepared-pool.ts';
import type { SandboxHandle, Sandboxes } from './sandboxes.ts';

/** By then whoever took one waits for other things than the network. */
const quietMs = 30;

export interface BridgeNetworkOptions {
  readonly kernel: KernelThread;
  readonly logger: Logger;
  readonly sandboxes: Sandboxes;
  readonly firewall: Firewall;
  readonly reaper: LinkReaper;
  /** What the names of all links of this engine begin with. */
  readonly linkPrefix: string;
  readonly bridge: string;
  readonly mtu: number;
  /** The gateway is the bridge's own address; without it one is chosen from the pools. */
  readonly ipv4: Omit<SubnetPlan<Ipv4Prefix>, 'gateway'> & {
    readonly gateway: Ipv4Prefix | undefined;
  };
  /** Undefined for a network without IPv6. */
  readonly ipv6: SubnetPlan<Ipv6Prefix> | undefined;
  /** Tried in this order when the bridge has no address yet. */
  readonly pools: readonly AddressPool[];
  /** Networks that must stay reachable: the name servers'. */
  readonly avoid: readonly Ipv4Prefix[];
  /** Neither in nor out, and no default route. */
  readonly internal: boolean;
  /** Whether its containers reach each other. */
  readonly icc: boolean;
  /** Whether packets to other machines leave under the address of this one. */
  readonly masquerade: boolean;
  /** Where ports are published that name no address of the host; every address when empty. */
  readonly hostAddress: string;
  /** Text that marks the bridge as this engine's. */
  readonly owner: string;
  /** Namespaces to keep ready: each costs two links and some 100 kB of kernel memory. */
  readonly prepared: number;
}

/** A bridge network that was started. */
export class BridgeNetwork implements LinkedNetwork {
  readonly addresses: NetworkAddresses;
  readonly #options: BridgeNetworkOptions;
  readonly #owned: boolean;
  readonly #pool: PreparedPool<SandboxHandle>;

  /** Finds or creates the bridge and lets its packets through. */
  static async start(options: BridgeNetworkOptions): Promise<BridgeNetwork> {
    const { kernel, logger, firewall, bridge, mtu, ipv4, ipv6, pools, avoid } = options;
    const { internal, masquerade } = options;
    const { owned, address } = await kernel.call('ensureBridge', {
      name: bridge,
      mtu,
      owner: options.owner,
      ...(ipv4.gateway && { address: ipv4.gateway }),
      ...(ipv6 && { ipv6Address: ipv6.gateway }),
      pools,
      avoid,
    });
    const network = new BridgeNetwork(options, address, owned);
    try {
      await firewall.add({
        bridge,
        subnet: networkOf(address),
        ipv6Subnet: ipv6 && networkOfIpv6(ipv6.gateway),
        internal,
        masquerade,
      });
    } catch (error) {
      await network.removeLinks();
      throw error;
    }
    logger.info('bridge is up', { bridge, gateway: formatIpv4Prefix(address), created: owned });
    return network;
  }

  private constructor(options: BridgeNetworkOptions, gateway: Ipv4Prefix, owned: boolean) {
    const { logger, ipv4, ipv6, prepared } = options;
    this.#options = options;
    this.#owned = owned;
    this.addresses = new NetworkAddresses({ ...ipv4, gateway }, ipv6);
    this.#pool = new PreparedPool({
      size: prepared,
      quietMs,
      create: () => this.#createSandbox({}),
      destroy: (sandbox) => this.#destroy(sandbox),
      failed: (error) => logger.debug('cannot prepare a network', { reason: messageOf(error) }),
    });
  }

  /** Where ports are published that name no address of the host. */
  get hostAddress(): string {
    return this.#options.hostAddress;
  }

  async connect(wishes: LinkWishes): Promise<SandboxHandle> {
    const { mac, ipAddress, ipv6Address } = wishes;
    if (mac !== undefined || ipAddress !== undefined || ipv6Address !== undefined) {
      return this.#createSandbox(wishes);
    }
    const ready = this.#pool.take();
    if (ready) return ready;
    try {
      return await this.#createSandbox({});
    } catch (error) {
      if (!isStackError(error, 'resource_exhausted')) throw error;
      const last = await this.#pool.takeNext(); // it may have the last address
      if (last) return last;
      throw error;
    }
  }

  async attach(path: string, interfaceName: string, wishes: LinkWishes): Promise<SandboxLink> {
    const link = this.#newLink(wishes);
    try {
      await this.#options.kernel.call('attachLink', { path, link, interfaceName });
      return link;
    } catch (error) {
      this.#release(link);
      throw error;
    }
  }

  async detach(place: LinkPlace): Promise<void> {
    await this.#options.kernel.call('removeLink', { name: place.hostLink });
    this.addresses.release(place);
  }

  async letGo(place: LinkPlace): Promise<void> {
    this.#options.reaper.watch(place.hostLink, () => this.addresses.release(place));
  }

  prepare(): void {
    this.#pool.fill();
  }

  async stop(): Promise<void> {
    await this.#pool.close();
  }

  async remove(): Promise<void> {
    await this.#options.firewall.remove(this.#options.bridge);
    await this.removeLinks();
  }

  async removeLinks(): Promise<void> {
    const { kernel, bridge } = this.#options;
    if (this.#owned) await kernel.call('removeLink', { name: bridge });
  }

  async #createSandbox(wishes: LinkWishes): Promise<SandboxHandle> {
    const link = this.#newLink(wishes);
    try {
      return await this.#options.sandboxes.create(link);
    } catch (error) {
      this.#release(link);
      throw error;
    }
  }

  async #destroy({ path, link }: SandboxHandle): Promise<void> {
    await this.#options.sandboxes.remove(path);
    if (link?.attachment.kind !== 'bridge') return;
    this.#options.reaper.watch(link.attachment.hostName, () => this.#release(link));
  }

  #newLink({ mac, ipAddress, ipv6Address }: LinkWishes): SandboxLink {
    const { bridge, mtu, linkPrefix, internal, icc } = this.#options;
    const chosenMac = mac === undefined ? undefined : parseMac(mac);
    const { ipv4, ipv6 } = this.addresses.take({
      ...(ipAddress !== undefined && { ipAddress }),
      ...(ipv6Address !== undefined && { ipv6Address }),
    });
    const { gateway, ipv6Gateway } = this.addresses;
    return {
      attachment: {
        kind: 'bridge',
        hostName: linkPrefix + randomBytes(4).toString('hex').slice(0, 7),
        bridge,
        mac: chosenMac ?? macOf(ipv4.address),
        isolated: !icc,
      },
      mtu,
      ipv4: { address: ipv4, gateway: internal ? undefined : gateway.address },
      ipv6: ipv6 && { address: ipv6, gateway: internal ? undefined : ipv6Gateway?.address },
    };
  }

  #release({ ipv4, ipv6 }: SandboxLink): void {
    this.addresses.release(addressesOf(ipv4.address, ipv6?.address));
  }
}
