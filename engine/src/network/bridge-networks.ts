/** All bridge networks: the default one, and those that users made. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Logger } from '#lib/log/logger';
import {
  formatIpv4,
  formatIpv4Prefix,
  networkOf,
  overlaps,
  parseIpv4,
  parseIpv4Prefix,
  type Ipv4Prefix,
} from '#lib/netlink/ipv4';
import { messageOf, StackError } from '#spec/errors';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import type { AddressPool } from './address-pool.ts';
import { BridgeNetwork, type BridgeNetworkOptions } from './bridge-network.ts';
import { Firewall } from './firewall.ts';
import { LinkReaper } from './link-reaper.ts';
import { newId, type NetworkIdentities } from './network-identities.ts';
import type { NetworkOptions } from './network-options.ts';
import { NetworkStore, type NetworkRequest, type StoredNetwork } from './network-store.ts';
import { hostNameServers } from './resolv-conf.ts';
import type { Sandboxes } from './sandboxes.ts';

export interface BridgeNetworksOptions extends NetworkOptions {
  readonly kernel: KernelThread;
  readonly logger: Logger;
  readonly sandboxes: Sandboxes;
  readonly identities: NetworkIdentities;
  readonly dataRoot: string;
  readonly execRoot: string;
}

/** Enough for two containers that start together. */
const preparedSandboxes = 2;

export class BridgeNetworks {
  readonly firewall: Firewall;
  readonly #options: BridgeNetworksOptions;
  readonly #store: NetworkStore;
  readonly #linkPrefix: string;
  readonly #reaper: LinkReaper;
  readonly #started = new Map<string, BridgeNetwork>();
  readonly #stored = new Map<string, StoredNetwork>();
  #default: BridgeNetwork | undefined;

  constructor(options: BridgeNetworksOptions) {
    const { kernel, logger, bridge, execRoot, dataRoot, firewallIntegration } = options;
    this.#options = options;
    this.#store = new NetworkStore(path.join(dataRoot, 'network', 'networks'));
    const engine = createHash('sha256').update(execRoot).digest('hex').slice(0, 6);
    // The kernel allows 15 bytes: 8 tell the engine, 7 the container.
    this.#linkPrefix = `v${engine}-`;
    this.#reaper = new LinkReaper(kernel, this.#linkPrefix, logger);
    this.firewall = new Firewall({
      kernel,
      logger,
      // Bridges have one name per network namespace, and so have tables.
      table: `engined_${bridge ?? engine}`,
      integration: firewallIntegration,
    });
  }

  /** The default bridge network; undefined with `--bridge=none`. */
  get default(): BridgeNetwork | undefined {
    return this.#default;
  }

  get userDefined(): StoredNetwork[] {
    return [...this.#stored.values()];
  }

  /** Finds or creates every bridge. A user's network whose bridge cannot be had is logged, and stays. */
  async start(): Promise<void> {
    const { bridge, bip, identities, kernel, logger } = this.#options;
    if (bridge !== undefined) {
      this.#default = await BridgeNetwork.start({
        ...this.#common(),
        bridge,
        gateway: bip,
        pools: [...this.#lastPool(bridge), ...this.#options.pools],
        prepared: preparedSandboxes,
      });
      this.#started.set(identities.bridge.id, this.#default);
    }
    for (const network of this.#store.load()) {
      this.#stored.set(network.id, network);
      try {
        this.#started.set(network.id, await this.#startStored(network));
      } catch (error) {
        logger.error('cannot bring up network', {
          network: network.name,
          reason: messageOf(error),
        });
      }
    }
    try {
      if (await kernel.call('enableForwarding')) logger.info('enabled net.ipv4.ip_forward');
    } catch (error) {
      logger.warn('cannot enable net.ipv4.ip_forward: containers cannot reach other machines', {
        error,
      });
    }
  }

  /** Throws unavailable for a network whose bridge could not be had. */
  get(id: string): BridgeNetwork {
    const network = this.#started.get(id);
    if (network) return network;
    const name = this.#stored.get(id)?.name ?? id;
    throw new StackError('unavailable', `network ${name} could not be brought up: see the log`);
  }

  find(id: string): BridgeNetwork | undefined {
    return this.#started.get(id);
  }

  /** Throws conflict for the name, the bridge's name or the subnet, resource_exhausted without a free subnet. */
  async create(request: NetworkRequest): Promise<StoredNetwork> {
    const { name, internal, attachable, options, labels, subnet: wanted } = request;
    if (this.userDefined.some((network) => network.name === name)) {
      throw new StackError('conflict', `network with name ${name} already exists`);
    }
    const id = newId();
    const bridge = bridgeName(id, options);
    if (this.#bridges().includes(bridge)) {
      throw new StackError('conflict', `bridge ${bridge} already belongs to another network`);
    }
    const asked = wanted && parseIpv4Prefix(wanted.subnet);
    const rival = asked && this.#subnets().find((subnet) => overlaps(subnet, asked));
    if (rival) {
      throw new StackError(
        'permission_denied',
        `invalid pool request: Pool overlaps with other one on this address space: ${formatIpv4Prefix(rival)}`,
      );
    }
    const started = await BridgeNetwork.start({
      ...this.#common(),
      ...this.#traits({ ...request, bridge }),
      gateway: asked && gatewayIn(asked, wanted.gateway),
    });
    const network: StoredNetwork = {
      id,
      name,
      created: new Date().toISOString(),
      internal,
      attachable,
      options,
      labels,
      subnet: {
        ...wanted,
        subnet: formatIpv4Prefix(networkOf(started.gateway)),
        gateway: formatIpv4(started.gateway.address),
      },
    };
    try {
      await this.#store.save(network);
    } catch (error) {
      await started.remove();
      throw error;
    }
    this.#stored.set(id, network);
    this.#started.set(id, started);
    return network;
  }

  /** Removes a user's network that no container is in; from the first moment on nobody finds it any more. */
  async remove(id: string): Promise<void> {
    const stored = this.#stored.get(id);
    const started = this.#started.get(id);
    this.#stored.delete(id);
    this.#started.delete(id);
    try {
      // The record goes first: a bridge without a record is removed at the next start.
      await this.#store.delete(id);
    } catch (error) {
      if (stored) this.#stored.set(id, stored);
      if (started) this.#started.set(id, started);
      throw error;
    }
    await started?.stop();
    await this.#reaper.drain();
    await started?.remove();
  }

  /** Deletes links of an earlier run that belong to no container, and bridges that belong to no network. */
  async removeLeftovers(keep: ReadonlySet<string>): Promise<void> {
    const { kernel } = this.#options;
    const links = await kernel.call('listLinksByPrefix', { prefix: this.#linkPrefix });
    for (const name of links.filter((link) => !keep.has(link))) {
      this.#reaper.watch(name, () => undefined);
    }
    const owned = await kernel.call('listLinksByAlias', { alias: this.#owner });
    const wanted = this.#bridges();
    for (const name of owned.filter((link) => !wanted.includes(link))) {
      await kernel.call('removeLink', { name });
    }
  }

  /** Starts to keep namespaces ready. */
  prepare(): void {
    for (const network of this.#started.values()) network.prepare();
  }

  /** Ends background work; with `remove` also takes away all rules and the bridges that this engine created. */
  async stop(remove: boolean): Promise<void> {
    const networks = [...this.#started.values()];
    for (const network of networks) await network.stop();
    await this.#reaper.drain();
    await this.firewall.stop(remove);
    if (remove) for (const network of networks) await network.removeBridge();
    this.#started.clear();
    this.#default = undefined;
  }

  #startStored(network: StoredNetwork): Promise<BridgeNetwork> {
    const { id, subnet, options } = network;
    const { length } = parseIpv4Prefix(subnet.subnet);
    return BridgeNetwork.start({
      ...this.#common(),
      ...this.#traits({ ...network, bridge: bridgeName(id, options) }),
      gateway: { address: parseIpv4(subnet.gateway), length },
    });
  }

  /** What the networks of a user differ in. */
  #traits({
    bridge,
    internal,
    options,
    subnet,
  }: Pick<NetworkRequest, 'internal' | 'options' | 'subnet'> & {
    bridge: string;
  }): Partial<BridgeNetworkOptions> & { bridge: string } {
    const mtu = options['com.docker.network.driver.mtu'];
    const { ipRange, auxiliary } = subnet ?? {};
    return {
      bridge,
      internal,
      ...(mtu !== undefined && { mtu: Number(mtu) }),
      ipRange: ipRange === undefined ? undefined : parseIpv4Prefix(ipRange),
      auxiliary: Object.values(auxiliary ?? {}).map(parseIpv4),
    };
  }

  #common(): Omit<BridgeNetworkOptions, 'bridge' | 'gateway'> {
    const { kernel, logger, sandboxes, mtu, pools } = this.#options;
    return {
      ...{ kernel, logger, sandboxes, mtu, pools },
      firewall: this.firewall,
      reaper: this.#reaper,
      linkPrefix: this.#linkPrefix,
      avoid: [
        ...hostNameServers().map((server) => ({ address: parseIpv4(server), length: 32 })),
        ...this.#subnets(),
      ],
      ipRange: undefined,
      auxiliary: [],
      internal: false,
      owner: this.#owner,
      prepared: 0,
    };
  }

  get #owner(): string {
    return `engined ${this.#options.execRoot}`;
  }

  /** Of all networks, whether their bridges are up or not. */
  #subnets(): Ipv4Prefix[] {
    return [
      ...(this.#default ? [networkOf(this.#default.gateway)] : []),
      ...this.userDefined.map(({ subnet }) => parseIpv4Prefix(subnet.subnet)),
    ];
  }

  #bridges(): string[] {
    return [
      ...(this.#options.bridge === undefined ? [] : [this.#options.bridge]),
      ...this.userDefined.map(({ id, options }) => bridgeName(id, options)),
    ];
  }

  /** The subnet of the last start, if the flags still allow it: addresses stay what users have seen. */
  #lastPool(bridge: string): AddressPool[] {
    const { lastBridge } = this.#options.identities;
    if (lastBridge?.name !== bridge) return [];
    const gateway = parseIpv4Prefix(lastBridge.gateway);
    const allowed = this.#options.pools.some(
      ({ base, size }) => size === gateway.length && overlaps(base, gateway),
    );
    return allowed ? [{ base: networkOf(gateway), size: gateway.length }] : [];
  }
}

/** As docker names it, unless the user does. */
function bridgeName(id: string, options: Readonly<Record<string, string>>): string {
  return options['com.docker.network.bridge.name'] ?? `br-${id.slice(0, 12)}`;
}

/** The gateway that was asked for, or the first host of the subnet. */
function gatewayIn(subnet: Ipv4Prefix, gateway: string | undefined): Ipv4Prefix {
  const address = gateway === undefined ? networkOf(subnet).address + 1 : parseIpv4(gateway);
  return { address, length: subnet.length };
}
