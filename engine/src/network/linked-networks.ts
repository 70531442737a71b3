/** All networks that containers have links in: the default bridge, and those that users made. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Logger } from '#lib/log/logger';
import {
  formatIpv4,
  formatIpv4Prefix,
  networkOf,
  overlaps,
  parseIpv4Prefix,
  type Ipv4Prefix,
} from '#lib/netlink/ipv4';
import {
  formatIpv6,
  formatIpv6Prefix,
  networkOfIpv6,
  overlapsIpv6,
  parseIpv6Prefix,
  type Ipv6Prefix,
} from '#lib/netlink/ipv6';
import { messageOf, StackError } from '#spec/errors';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import { BridgeNetwork } from './bridge-network.ts';
import { bridgeName, parentOf } from './driver-options.ts';
import { Firewall } from './firewall.ts';
import { LinkReaper } from './link-reaper.ts';
import type { LinkedNetwork } from './linked-network.ts';
import { newId, type NetworkIdentities } from './network-identities.ts';
import type { NetworkOptions } from './network-options.ts';
import { NetworkStarter } from './network-starter.ts';
import { NetworkStore, type NetworkRequest, type StoredNetwork } from './network-store.ts';
import type { Sandboxes } from './sandboxes.ts';

export interface LinkedNetworksOptions extends NetworkOptions {
  readonly kernel: KernelThread;
  readonly logger: Logger;
  readonly sandboxes: Sandboxes;
  readonly identities: NetworkIdentities;
  readonly dataRoot: string;
  readonly execRoot: string;
}

export class LinkedNetworks {
  readonly firewall: Firewall;
  readonly #options: LinkedNetworksOptions;
  readonly #store: NetworkStore;
  readonly #linkPrefix: string;
  readonly #reaper: LinkReaper;
  readonly #starter: NetworkStarter;
  readonly #started = new Map<string, LinkedNetwork>();
  readonly #stored = new Map<string, StoredNetwork>();
  #default: BridgeNetwork | undefined;

  constructor(options: LinkedNetworksOptions) {
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
    this.#starter = new NetworkStarter({
      ...options,
      firewall: this.firewall,
      reaper: this.#reaper,
      linkPrefix: this.#linkPrefix,
      owner: this.#owner,
      subnets: () => this.#subnets(),
    });
  }

  /** The default bridge network; undefined with `--bridge=none`. */
  get default(): BridgeNetwork | undefined {
    return this.#default;
  }

  get userDefined(): StoredNetwork[] {
    return [...this.#stored.values()];
  }

  /** Finds or creates every bridge and parent. A user's network whose links cannot be had is logged, and stays. */
  async start(): Promise<void> {
    const { bridge, identities, logger } = this.#options;
    if (bridge !== undefined) {
      this.#default = await this.#starter.startDefault(bridge);
      this.#started.set(identities.bridge.id, this.#default);
    }
    for (const network of this.#store.load()) {
      this.#stored.set(network.id, network);
      try {
        this.#started.set(network.id, await this.#starter.startStored(network));
      } catch (error) {
        logger.error('cannot bring up network', {
          network: network.name,
          reason: messageOf(error),
        });
      }
    }
    await this.#forward('ipv4');
    if (this.#subnets().ipv6.length > 0) await this.#forward('ipv6');
  }

  /** Throws unavailable for a network whose links could not be had. */
  get(id: string): LinkedNetwork {
    const network = this.#started.get(id);
    if (network) return network;
    const name = this.#stored.get(id)?.name ?? id;
    throw new StackError('unavailable', `network ${name} could not be brought up: see the log`);
  }

  find(id: string): LinkedNetwork | undefined {
    return this.#started.get(id);
  }

  /** Where ports are published of a container in this network that name no address of the host; empty for everywhere. */
  hostAddressOf(id: string): string {
    const network = this.#started.get(id);
    return network instanceof BridgeNetwork ? network.hostAddress : '';
  }

  /** Throws conflict for the name or the bridge's name, permission_denied for the subnet, resource_exhausted without a free one. */
  async create(request: NetworkRequest): Promise<StoredNetwork> {
    const { name, internal, attachable, options, labels, driver } = request;
    const { subnet: wanted, ipv6Subnet: wantedIpv6 } = request;
    if (this.userDefined.some((network) => network.name === name)) {
      throw new StackError('conflict', `network with name ${name} already exists`);
    }
    const id = newId();
    this.#checkLink(id, request);
    this.#checkSubnets(request);
    const started = await this.#starter.startNew(id, request);
    const { gateway, ipv6Gateway } = started.addresses;
    const network: StoredNetwork = {
      ...{ id, name, driver },
      created: new Date().toISOString(),
      ...{ internal, attachable, options, labels },
      subnet: {
        ...wanted,
        subnet: formatIpv4Prefix(networkOf(gateway)),
        gateway: formatIpv4(gateway.address),
      },
      ...(ipv6Gateway && {
        ipv6Subnet: {
          ...wantedIpv6,
          subnet: formatIpv6Prefix(networkOfIpv6(ipv6Gateway)),
          gateway: formatIpv6(ipv6Gateway.address),
        },
      }),
    };
    try {
      if (ipv6Gateway && driver === 'bridge') await this.#forward('ipv6');
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

  /** Deletes links of an earlier run that belong to no container, and bridges and parents that belong to no network. */
  async removeLeftovers(keep: ReadonlySet<string>): Promise<void> {
    const { kernel } = this.#options;
    const links = await kernel.call('listLinksByPrefix', { prefix: this.#linkPrefix });
    for (const name of links.filter((link) => !keep.has(link))) {
      this.#reaper.watch(name, () => undefined);
    }
    const owned = await kernel.call('listLinksByAlias', { alias: this.#owner });
    const wanted = this.#linkNames();
    for (const name of owned.filter((link) => !wanted.includes(link))) {
      await kernel.call('removeLink', { name });
    }
  }

  /** Starts to keep namespaces ready. */
  prepare(): void {
    for (const network of this.#started.values()) network.prepare();
  }

  /** Ends background work; with `remove` also takes away all rules, and the bridges and parents that this engine created. */
  async stop(remove: boolean): Promise<void> {
    const networks = [...this.#started.values()];
    for (const network of networks) await network.stop();
    await this.#reaper.drain();
    await this.firewall.stop(remove);
    if (remove) for (const network of networks) await network.removeLinks();
    this.#started.clear();
    this.#default = undefined;
  }

  async #forward(family: 'ipv4' | 'ipv6'): Promise<void> {
    const { kernel, logger } = this.#options;
    try {
      if (await kernel.call('enableForwarding', { family }))
        logger.info(`enabled forwarding of ${family}`);
    } catch (error) {
      logger.warn(`cannot enable forwarding of ${family}: containers cannot reach other machines`, {
        error,
      });
    }
  }

  /** Throws conflict for a bridge or parent that belongs to another network. */
  #checkLink(id: string, { driver, options }: NetworkRequest): void {
    const name = linkName(id, driver, options);
    if (!this.#linkNames().includes(name)) return;
    const owner = this.userDefined.find(
      (other) => linkName(other.id, other.driver, other.options) === name,
    );
    throw driver === 'bridge'
      ? new StackError('conflict', `bridge ${name} already belongs to another network`)
      : new StackError(
          'permission_denied',
          `network ${owner?.name ?? 'bridge'} is already using parent interface ${name}`,
        );
  }

  /** Throws permission_denied for a subnet that overlaps another network's. */
  #checkSubnets({ subnet, ipv6Subnet }: NetworkRequest): void {
    const { ipv4, ipv6 } = this.#subnets();
    const asked = subnet && parseIpv4Prefix(subnet.subnet);
    const askedIpv6 = ipv6Subnet && parseIpv6Prefix(ipv6Subnet.subnet);
    const rival = asked && ipv4.find((other) => overlaps(other, asked));
    const ipv6Rival = askedIpv6 && ipv6.find((other) => overlapsIpv6(other, askedIpv6));
    if (!rival && !ipv6Rival) return;
    const text = rival ? formatIpv4Prefix(rival) : ipv6Rival && formatIpv6Prefix(ipv6Rival);
    throw new StackError(
      'permission_denied',
      `invalid pool request: Pool overlaps with other one on this address space: ${text ?? ''}`,
    );
  }

  get #owner(): string {
    return `engined ${this.#options.execRoot}`;
  }

  /** Of all networks, whether their links are up or not. */
  #subnets(): { ipv4: Ipv4Prefix[]; ipv6: Ipv6Prefix[] } {
    const { gateway, ipv6Gateway } = this.#default?.addresses ?? {};
    return {
      ipv4: [
        ...(gateway ? [networkOf(gateway)] : []),
        ...this.userDefined.map(({ subnet }) => parseIpv4Prefix(subnet.subnet)),
      ],
      ipv6: [
        ...(ipv6Gateway ? [networkOfIpv6(ipv6Gateway)] : []),
        ...this.userDefined.flatMap(({ ipv6Subnet }) =>
          ipv6Subnet ? [parseIpv6Prefix(ipv6Subnet.subnet)] : [],
        ),
      ],
    };
  }

  /** Of all bridges and parents. */
  #linkNames(): string[] {
    return [
      ...(this.#options.bridge === undefined ? [] : [this.#options.bridge]),
      ...this.userDefined.map(({ id, driver, options }) => linkName(id, driver, options)),
    ];
  }
}

/** Name of the host's link that a network consists of. */
function linkName(
  id: string,
  driver: StoredNetwork['driver'],
  options: StoredNetwork['options'],
): string {
  return driver === 'bridge' ? bridgeName(id, options) : parentOf(driver, id, options).parent;
}
