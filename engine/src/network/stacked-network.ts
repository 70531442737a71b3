/** A macvlan or ipvlan network: links of containers that stand on one of the host's, without a bridge and without NAT. */
import type { Logger } from '#lib/log/logger';
import { formatIpv4Prefix, type Ipv4Prefix } from '#lib/netlink/ipv4';
import type { Ipv6Prefix } from '#lib/netlink/ipv6';
import type { StackedKind } from '#lib/netlink/virtual-link';
import { StackError } from '#spec/errors';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import type { SandboxLink } from '../kernel/sandbox-link.ts';
import {
  addressesOf,
  type LinkedNetwork,
  type LinkPlace,
  type LinkWishes,
} from './linked-network.ts';
import { macOf, parseMac } from './mac-address.ts';
import { NetworkAddresses, type SubnetPlan } from './network-addresses.ts';
import type { SandboxHandle, Sandboxes } from './sandboxes.ts';

export interface StackedNetworkOptions {
  readonly kernel: KernelThread;
  readonly logger: Logger;
  readonly sandboxes: Sandboxes;
  readonly parent: string;
  /** The parent leads nowhere, and so do the containers' links. */
  readonly isSink: boolean;
  readonly how: StackedKind;
  /** The parent's where nobody asked for one. */
  readonly mtu: number | undefined;
  readonly ipv4: SubnetPlan<Ipv4Prefix>;
  readonly ipv6: SubnetPlan<Ipv6Prefix> | undefined;
  /** No default route. */
  readonly internal: boolean;
  /** Text that marks the parent as this engine's. */
  readonly owner: string;
}

export class StackedNetwork implements LinkedNetwork {
  readonly addresses: NetworkAddresses;
  readonly #options: StackedNetworkOptions;
  readonly #owned: boolean;
  readonly #mtu: number;

  /** Finds or creates the parent. */
  static async start(options: StackedNetworkOptions): Promise<StackedNetwork> {
    const { kernel, logger, parent: name, isSink, how, owner, ipv4 } = options;
    const state = await kernel.call('ensureParent', { name, isSink, how, owner });
    logger.info(`${how.kind} network is up`, {
      parent: name,
      gateway: formatIpv4Prefix(ipv4.gateway),
      created: state.owned,
    });
    return new StackedNetwork(options, state);
  }

  private constructor(options: StackedNetworkOptions, state: { owned: boolean; mtu: number }) {
    this.#options = options;
    this.#owned = state.owned;
    this.#mtu = options.mtu ?? state.mtu;
    this.addresses = new NetworkAddresses(options.ipv4, options.ipv6);
  }

  async connect(wishes: LinkWishes): Promise<SandboxHandle> {
    const link = this.#newLink(wishes);
    try {
      return await this.#options.sandboxes.create(link);
    } catch (error) {
      this.#release(link);
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
    const { sandboxKey: path, interfaceName } = place;
    await this.#options.kernel.call('detachLink', { path, interfaceName });
    this.addresses.release(place);
  }

  /** Its MAC address must be free again for the next one, and nobody on the host sees the link go: it goes first. */
  async letGo(place: LinkPlace): Promise<void> {
    await this.detach(place);
  }

  prepare(): void {
    // Its links are made when they are asked for.
  }

  async stop(): Promise<void> {
    // It does nothing in the background.
  }

  async remove(): Promise<void> {
    await this.removeLinks();
  }

  async removeLinks(): Promise<void> {
    const { kernel, parent } = this.#options;
    if (this.#owned) await kernel.call('removeLink', { name: parent });
  }

  #newLink({ mac, ipAddress, ipv6Address }: LinkWishes): SandboxLink {
    const { parent, how, internal, isSink } = this.#options;
    if (mac !== undefined && how.kind === 'ipvlan') {
      throw new StackError('invalid_argument', 'ipvlan links have the MAC address of their parent');
    }
    const chosenMac = mac === undefined ? undefined : parseMac(mac);
    const { ipv4, ipv6 } = this.addresses.take({
      ...(ipAddress !== undefined && { ipAddress }),
      ...(ipv6Address !== undefined && { ipv6Address }),
    });
    const isClosed = internal || isSink;
    const routesItself = !isClosed && how.kind === 'ipvlan' && how.mode !== 'l2';
    const leads = !isClosed && !routesItself;
    const { gateway, ipv6Gateway } = this.addresses;
    return {
      attachment: {
        kind: 'stacked',
        parent,
        how: how.kind === 'macvlan' ? { ...how, mac: chosenMac ?? macOf(ipv4.address) } : how,
        routesItself,
      },
      mtu: this.#mtu,
      ipv4: { address: ipv4, gateway: leads ? gateway.address : undefined },
      ipv6: ipv6 && { address: ipv6, gateway: leads ? ipv6Gateway?.address : undefined },
    };
  }

  #release({ ipv4, ipv6 }: SandboxLink): void {
    this.addresses.release(addressesOf(ipv4.address, ipv6?.address));
  }
}
