/** The networks of this machine, and the places of containers in them. */
import path from 'node:path';
import { Turns } from '#lib/concurrency/turns';
import type { Logger } from '#lib/log/logger';
import { formatIpv4, formatIpv4Prefix } from '#lib/netlink/ipv4';
import { formatIpv6, formatIpv6Prefix } from '#lib/netlink/ipv6';
import { StackError } from '#spec/errors';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import { LinkedNetworks } from './linked-networks.ts';
import { ContainerNetworks } from './container-networks.ts';
import { describeNetworks, filterWarnings } from './describe-networks.ts';
import type { Neighbourhood } from './dns/container-resolver.ts';
import { NameServers } from './dns/name-servers.ts';
import { EndpointMaker } from './endpoint-maker.ts';
import {
  hasLinks,
  isBuiltinNetwork,
  type ContainerNetwork,
  type Endpoint,
  type EndpointRequest,
  type NetworkController,
  type NetworkDescription,
  type NetworkInfo,
  type NetworkSetup,
} from './network-controller.ts';
import { loadIdentities, saveIdentities, type NetworkIdentities } from './network-identities.ts';
import type { NetworkOptions } from './network-options.ts';
import { NetworkRecords } from './network-records.ts';
import { findNetwork } from './network-resource.ts';
import type { NetworkRequest } from './network-store.ts';
import { PortPublisher } from './ports/port-publisher.ts';
import { PreparedPool } from './prepared-pool.ts';
import { Sandboxes, type SandboxHandle } from './sandboxes.ts';

export interface LocalNetworkControllerOptions extends NetworkOptions {
  readonly kernel: KernelThread;
  readonly logger: Logger;
  readonly dataRoot: string;
  readonly execRoot: string;
  /** File of the user namespace that containers are in; undefined for the host's. */
  readonly userNamespace?: string | undefined;
}

/** Turns of changes to networks themselves; containers have turns by their ids. */
const networksTurn = 'networks';

export class LocalNetworkController implements NetworkController {
  readonly #options: LocalNetworkControllerOptions;
  readonly #identities: NetworkIdentities;
  readonly #sandboxes: Sandboxes;
  readonly #records: NetworkRecords;
  readonly #linked: LinkedNetworks;
  readonly #nameServers: NameServers;
  readonly #ports: PortPublisher;
  readonly #containers: ContainerNetworks;
  readonly #turns = new Turns();
  readonly #isolated: PreparedPool<SandboxHandle>;
  #legacyFilter = false;

  constructor(options: LocalNetworkControllerOptions) {
    const { kernel, logger, dataRoot, execRoot, userNamespace } = options;
    this.#options = options;
    this.#identities = loadIdentities(path.join(dataRoot, 'network'));
    this.#sandboxes = new Sandboxes(kernel, path.join(execRoot, 'netns'), userNamespace);
    this.#records = new NetworkRecords(path.join(execRoot, 'network'));
    const { sandboxes, identities } = { sandboxes: this.#sandboxes, identities: this.#identities };
    this.#linked = new LinkedNetworks({ ...options, sandboxes, identities });
    this.#ports = new PortPublisher(this.#linked.firewall, logger);
    this.#nameServers = new NameServers({
      kernel,
      logger,
      neighbours: (containerId) => this.#neighbours(containerId),
    });
    this.#isolated = new PreparedPool({
      size: 1,
      quietMs: 30,
      create: () => this.#sandboxes.create(),
      destroy: ({ path: file }) => this.#sandboxes.remove(file),
      failed: (error) => logger.debug('cannot prepare a network namespace', { error }),
    });
    const maker = new EndpointMaker({
      linked: this.#linked,
      sandboxes: this.#sandboxes,
      isolated: this.#isolated,
      find: (reference) => this.find(reference),
    });
    this.#containers = new ContainerNetworks({
      kernel,
      sandboxes: this.#sandboxes,
      records: this.#records,
      linked: this.#linked,
      maker,
      ports: this.#ports,
      nameServers: this.#nameServers,
      find: (reference) => this.find(reference),
    });
  }

  async start(): Promise<void> {
    const { bridge, kernel, dataRoot } = this.#options;
    await this.#linked.start();
    this.#legacyFilter = await kernel.call('hasLegacyFilter');
    const { gateway, ipv6Gateway } = this.#linked.default?.addresses ?? {};
    saveIdentities(path.join(dataRoot, 'network'), {
      ...this.#identities,
      ...(bridge !== undefined &&
        gateway && {
          lastBridge: {
            name: bridge,
            gateway: formatIpv4Prefix(gateway),
            ...(ipv6Gateway && { ipv6Gateway: formatIpv6Prefix(ipv6Gateway) }),
          },
        }),
    });
  }

  async restore(known: Iterable<string>): Promise<ContainerNetwork[]> {
    const wanted = new Set(known);
    for (const network of this.#records.load()) {
      const { containerId, sandboxKey, sandboxId } = network;
      if (wanted.has(containerId) && (await this.#containers.adopt(network))) continue;
      await this.#sandboxes.remove(sandboxKey);
      await this.#records.delete(sandboxId);
    }
    const kept = [...this.#containers.all];
    await this.#sandboxes.removeOthers(new Set(kept.map(({ sandboxKey }) => sandboxKey)));
    const links = kept.flatMap(({ endpoints }) => endpoints.map(({ hostLink }) => hostLink));
    await this.#linked.removeLeftovers(new Set(links));
    this.#linked.prepare();
    this.#containers.watchFilters();
    this.#isolated.fill();
    return kept;
  }

  setUp(containerId: string, setup: NetworkSetup): Promise<ContainerNetwork> {
    return this.#containers.setUp(containerId, setup);
  }

  tearDown(containerId: string): Promise<void> {
    return this.#containers.tearDown(containerId);
  }

  connect(containerId: string, request: EndpointRequest): Promise<Endpoint> {
    return this.#containers.connect(containerId, request);
  }

  disconnect(containerId: string, networkId: string): Promise<void> {
    return this.#containers.disconnect(containerId, networkId);
  }

  get(containerId: string): ContainerNetwork | undefined {
    return this.#containers.get(containerId);
  }

  networks(): NetworkDescription[] {
    const { bridge: name } = this.#options;
    const addresses = this.#linked.default?.addresses;
    return describeNetworks({
      identities: this.#identities,
      bridge: name !== undefined && addresses ? { ...this.#options, name, addresses } : undefined,
      userDefined: this.#linked.userDefined,
      containers: this.#containers.all,
    });
  }

  find(reference: string): NetworkDescription {
    const network = findNetwork(this.networks(), reference);
    if (!network) throw new StackError('not_found', `network ${reference} not found`);
    return network;
  }

  idOf(name: string): string | undefined {
    if (isBuiltinNetwork(name)) return this.#identities[name].id;
    return this.#linked.userDefined.find((network) => network.name === name)?.id;
  }

  driverOf(id: string): NetworkDescription['driver'] | undefined {
    const { bridge, host, none } = this.#identities;
    if (id === bridge.id) return 'bridge';
    if (id === host.id) return 'host';
    if (id === none.id) return 'null';
    return this.#linked.userDefined.find((network) => network.id === id)?.driver;
  }

  renamed(containerId: string, from: string, to: string): Promise<void> {
    return this.#containers.renamed(containerId, from, to);
  }

  create(request: NetworkRequest): Promise<NetworkDescription> {
    return this.#turns.take(networksTurn, async () => {
      const { id } = await this.#linked.create(request);
      return this.find(id);
    });
  }

  remove(id: string): Promise<void> {
    return this.#turns.take(networksTurn, async () => {
      const { name, driver } = this.find(id);
      if (!hasLinks(driver) || id === this.#identities.bridge.id) {
        throw new StackError(
          'permission_denied',
          `${name} is a pre-defined network and cannot be removed`,
        );
      }
      if (this.#containers.isJoined(id)) {
        throw new StackError(
          'permission_denied',
          `error while removing network: network ${name} id ${id} has active endpoints`,
        );
      }
      await this.#linked.remove(id);
    });
  }

  info(): NetworkInfo {
    const { bridge, firewallIntegration } = this.#options;
    const { foreignFilters } = this.#linked.firewall;
    return {
      bridge,
      firewallIntegration: firewallIntegration ? 'on' : 'off',
      foreignFilters,
      warnings: filterWarnings(bridge ?? '', foreignFilters, this.#legacyFilter),
    };
  }

  hostGateways(): readonly string[] {
    const { hostGateway } = this.#options;
    const addresses = this.#linked.default?.addresses;
    if (hostGateway.length > 0 || !addresses) return hostGateway;
    const { gateway, ipv6Gateway } = addresses;
    return [formatIpv4(gateway.address), ...(ipv6Gateway ? [formatIpv6(ipv6Gateway.address)] : [])];
  }

  async stop(): Promise<void> {
    const remove = this.#containers.all.length === 0;
    await this.#nameServers.closeAll();
    await this.#ports.close();
    await this.#isolated.close();
    await this.#linked.stop(remove);
    if (!remove) return;
    await this.#sandboxes.removeOthers(new Set());
    this.#sandboxes.removeFolder();
    this.#records.removeFolder();
  }

  /** The endpoints that a container may ask for by name, its own included, and whether it may ask the world. */
  #neighbours(containerId: string): Neighbourhood {
    const network = this.#containers.get(containerId);
    if (!network)
      return { endpoints: [], links: {}, nameServers: [], isInternal: true, hasIpv6: false };
    const ids = network.endpoints
      .map(({ networkId }) => networkId)
      .filter((id) => id !== this.#identities.bridge.id);
    const endpoints = this.#containers.all.flatMap((other) =>
      other.endpoints.filter(({ networkId }) => ids.includes(networkId)),
    );
    const isInternal = network.endpoints.every(({ gateway }) => gateway === '');
    const hasIpv6 = network.endpoints.some(({ ipv6Gateway }) => ipv6Gateway !== '');
    const links = Object.assign(
      {},
      ...network.endpoints.map((endpoint) => endpoint.links),
    ) as Record<string, string>; // of which each has some or none
    return { endpoints, links, nameServers: network.nameServers, isInternal, hasIpv6 };
  }
}
