/** A bridge network: a bridge, a subnet, and namespaces with a link to the bridge. */
import { randomBytes } from 'node:crypto';
import type { Logger } from '#lib/log/logger';
import {
  formatIpv4,
  formatIpv4Prefix,
  networkOf,
  parseIpv4,
  type Ipv4Prefix,
} from '#lib/netlink/ipv4';
import { isStackError, messageOf } from '#spec/errors';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import type { SandboxLink } from '../kernel/sandbox.ts';
import { AddressAllocator } from './address-allocator.ts';
import type { AddressPool } from './address-pool.ts';
import type { Firewall } from './firewall.ts';
import type { LinkReaper } from './link-reaper.ts';
import { macOf, parseMac } from './mac-address.ts';
import { PreparedPool } from './prepared-pool.ts';
import type { SandboxHandle, Sandboxes } from './sandboxes.ts';

const quietMs = 150;

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
  /** The bridge's own address in the subnet; without it one is chosen from the pools. */
  readonly gateway: Ipv4Prefix | undefined;
  /** Tried in this order when the bridge has no address yet. */
  readonly pools: readonly AddressPool[];
  /** Networks that must stay reachable: the name servers'. */
  readonly avoid: readonly Ipv4Prefix[];
  /** Where containers' addresses come from; the whole subnet without it. */
  readonly ipRange: Ipv4Prefix | undefined;
  /** Addresses of the subnet that are somebody else's. */
  readonly auxiliary: readonly number[];
  /** Neither in nor out, and no default route. */
  readonly internal: boolean;
  /** Text that marks the bridge as this engine's. */
  readonly owner: string;
  /** Namespaces to keep ready: each costs two links and some 100 kB of kernel memory. */
  readonly prepared: number;
}

/** What a container may ask of its link. */
export interface LinkWishes {
  readonly mac?: string;
  readonly ipAddress?: string;
}

/** A bridge network that was started. */
export class BridgeNetwork {
  readonly gateway: Ipv4Prefix;
  readonly #options: BridgeNetworkOptions;
  readonly #owned: boolean;
  readonly #addresses: AddressAllocator;
  readonly #pool: PreparedPool<SandboxHandle>;

  /** Finds or creates the bridge and lets its packets through. */
  static async start(options: BridgeNetworkOptions): Promise<BridgeNetwork> {
    const { kernel, logger, firewall, bridge, mtu, gateway, pools, avoid, internal } = options;
    const { owned, address } = await kernel.call('ensureBridge', {
      name: bridge,
      mtu,
      owner: options.owner,
      ...(gateway && { address: gateway }),
      pools,
      avoid,
    });
    const network = new BridgeNetwork(options, address, owned);
    try {
      await firewall.add({ bridge, subnet: networkOf(address), internal });
    } catch (error) {
      await network.removeBridge();
      throw error;
    }
    logger.info('bridge is up', { bridge, gateway: formatIpv4Prefix(address), created: owned });
    return network;
  }

  private constructor(options: BridgeNetworkOptions, gateway: Ipv4Prefix, owned: boolean) {
    const { logger, ipRange, auxiliary, prepared } = options;
    this.#options = options;
    this.gateway = gateway;
    this.#owned = owned;
    this.#addresses = new AddressAllocator(gateway, ipRange, auxiliary);
    this.#pool = new PreparedPool({
      size: prepared,
      quietMs,
      create: () => this.#createSandbox({}),
      destroy: (sandbox) => this.destroy(sandbox.path, sandbox.link),
      failed: (error) => logger.debug('cannot prepare a network', { reason: messageOf(error) }),
    });
  }

  get bridge(): string {
    return this.#options.bridge;
  }

  /** A namespace with eth0 and an address. Throws resource_exhausted, or conflict for an address that is taken. */
  async connect(wishes: LinkWishes): Promise<SandboxHandle> {
    if (wishes.mac !== undefined || wishes.ipAddress !== undefined) {
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

  /** Gives the namespace at `path` a further link. */
  async attach(path: string, interfaceName: string, wishes: LinkWishes): Promise<SandboxLink> {
    const link = this.#newLink(wishes);
    try {
      await this.#options.kernel.call('attachLink', { path, link, interfaceName });
      return link;
    } catch (error) {
      this.#addresses.release(link.address.address);
      throw error;
    }
  }

  /** Deletes a link while its namespace lives on. */
  async detach({ hostLink, ipAddress }: { hostLink: string; ipAddress: string }): Promise<void> {
    await this.#options.kernel.call('removeLink', { name: hostLink });
    this.#addresses.release(parseIpv4(ipAddress));
  }

  /** Takes over a container's address from an earlier run. */
  adopt(ipAddress: string): void {
    this.#addresses.reserve(parseIpv4(ipAddress));
  }

  /** Removes a namespace; its address is free as soon as its link is gone. */
  async destroy(
    sandboxPath: string,
    link: { hostName: string; address: Ipv4Prefix } | undefined,
  ): Promise<void> {
    await this.#options.sandboxes.remove(sandboxPath);
    if (link) this.releaseWith(link.hostName, link.address.address);
  }

  /** Frees an address once its link has gone with its namespace. */
  releaseWith(hostLink: string, address: number): void {
    this.#options.reaper.watch(hostLink, () => this.#addresses.release(address));
  }

  /** Starts to prepare namespaces; call it when what an earlier run left is adopted or gone. */
  prepare(): void {
    this.#pool.fill();
  }

  /** Ends background work. */
  async stop(): Promise<void> {
    await this.#pool.close();
  }

  /** Takes the bridge away, if this engine created it, and its rules. The caller has stopped it. */
  async remove(): Promise<void> {
    await this.#options.firewall.remove(this.bridge);
    await this.removeBridge();
  }

  /** Takes the bridge away, if this engine created it, when its rules are gone or going. */
  async removeBridge(): Promise<void> {
    const { kernel, bridge } = this.#options;
    if (this.#owned) await kernel.call('removeLink', { name: bridge });
  }

  async #createSandbox(wishes: LinkWishes): Promise<SandboxHandle> {
    const link = this.#newLink(wishes);
    try {
      return await this.#options.sandboxes.create(link);
    } catch (error) {
      this.#addresses.release(link.address.address);
      throw error;
    }
  }

  #newLink({ mac, ipAddress }: LinkWishes): SandboxLink {
    const { bridge, mtu, linkPrefix, internal } = this.#options;
    const chosenMac = mac === undefined ? undefined : parseMac(mac);
    const address =
      ipAddress === undefined
        ? this.#addresses.allocate()
        : this.#addresses.reserve(parseIpv4(ipAddress));
    return {
      hostName: linkPrefix + randomBytes(4).toString('hex').slice(0, 7),
      bridge,
      mtu,
      mac: chosenMac ?? macOf(address),
      address: { address, length: this.gateway.length },
      gateway: internal ? undefined : this.gateway.address,
    };
  }
}

/** The fields of an endpoint that a link gives it. */
export function addressFields(link: SandboxLink): {
  ipAddress: string;
  prefixLength: number;
  gateway: string;
  macAddress: string;
  hostLink: string;
} {
  return {
    ipAddress: formatIpv4(link.address.address),
    prefixLength: link.address.length,
    gateway: link.gateway === undefined ? '' : formatIpv4(link.gateway),
    macAddress: link.mac,
    hostLink: link.hostName,
  };
}
