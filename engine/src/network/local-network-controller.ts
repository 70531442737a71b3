/** The networks of this machine, and the places of containers in them. */
import path from 'node:path';
import { Turns } from '#lib/concurrency/turns';
import type { Logger } from '#lib/log/logger';
import { formatIpv4Prefix, parseIpv4 } from '#lib/netlink/ipv4';
import { StackError } from '#spec/errors';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import { BridgeNetworks } from './bridge-networks.ts';
import { describeNetworks, filterWarnings } from './describe-networks.ts';
import type { Neighbourhood } from './dns/container-resolver.ts';
import { NameServers } from './dns/name-servers.ts';
import { EndpointMaker } from './endpoint-maker.ts';
import {
  builtinNetworks,
  type BuiltinNetwork,
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
}

/** Turns of changes to networks themselves; containers have turns by their ids. */
const networksTurn = 'networks';

export class LocalNetworkController implements NetworkController {
  readonly #options: LocalNetworkControllerOptions;
  readonly #identities: NetworkIdentities;
  readonly #sandboxes: Sandboxes;
  readonly #records: NetworkRecords;
  readonly #bridges: BridgeNetworks;
  readonly #nameServers: NameServers;
  readonly #ports: PortPublisher;
  readonly #maker: EndpointMaker;
  readonly #running = new Map<string, ContainerNetwork>();
  readonly #turns = new Turns();
  readonly #isolated: PreparedPool<SandboxHandle>;
  #legacyFilter = false;

  constructor(options: LocalNetworkControllerOptions) {
    const { kernel, logger, dataRoot, execRoot } = options;
    this.#options = options;
    this.#identities = loadIdentities(path.join(dataRoot, 'network'));
    this.#sandboxes = new Sandboxes(kernel, path.join(execRoot, 'netns'));
    this.#records = new NetworkRecords(path.join(execRoot, 'network'));
    const { sandboxes, identities } = { sandboxes: this.#sandboxes, identities: this.#identities };
    this.#bridges = new BridgeNetworks({ ...options, sandboxes, identities });
    this.#ports = new PortPublisher(this.#bridges.firewall, logger);
    this.#nameServers = new NameServers({
      kernel,
      logger,
      neighbours: (containerId) => this.#neighbours(containerId),
    });
    this.#isolated = new PreparedPool({
      size: 1,
      quietMs: 150,
      create: () => this.#sandboxes.create(),
      destroy: ({ path: file }) => this.#sandboxes.remove(file),
      failed: (error) => logger.debug('cannot prepare a network namespace', { error }),
    });
    this.#maker = new EndpointMaker({
      bridges: this.#bridges,
      sandboxes: this.#sandboxes,
      isolated: this.#isolated,
      find: (reference) => this.find(reference),
    });
  }

  async start(): Promise<void> {
    const { bridge, kernel, dataRoot } = this.#options;
    await this.#bridges.start();
    this.#legacyFilter = await kernel.call('hasLegacyFilter');
    const gateway = this.#bridges.default?.gateway;
    saveIdentities(path.join(dataRoot, 'network'), {
      ...this.#identities,
      ...(bridge !== undefined &&
        gateway && { lastBridge: { name: bridge, gateway: formatIpv4Prefix(gateway) } }),
    });
  }

  async restore(known: Iterable<string>): Promise<ContainerNetwork[]> {
    const wanted = new Set(known);
    for (const network of this.#records.load()) {
      const { containerId, sandboxKey, sandboxId } = network;
      if (wanted.has(containerId) && (await this.#adopt(network))) continue;
      await this.#sandboxes.remove(sandboxKey);
      await this.#records.delete(sandboxId);
    }
    const kept = [...this.#running.values()];
    await this.#sandboxes.removeOthers(new Set(kept.map(({ sandboxKey }) => sandboxKey)));
    const links = kept.flatMap(({ endpoints }) => endpoints.map(({ hostLink }) => hostLink));
    await this.#bridges.removeLeftovers(new Set(links));
    this.#bridges.prepare();
    this.#bridges.firewall.containersRun(this.#bridgesAreUsed());
    this.#isolated.fill();
    return kept;
  }

  setUp(containerId: string, setup: NetworkSetup): Promise<ContainerNetwork> {
    return this.#turns.take(containerId, () => this.#setUp(containerId, setup));
  }

  tearDown(containerId: string): Promise<void> {
    return this.#turns.take(containerId, async () => {
      const network = this.#running.get(containerId);
      if (network) await this.#remove(network);
    });
  }

  connect(containerId: string, request: EndpointRequest): Promise<Endpoint> {
    return this.#turns.take(containerId, async () => {
      const network = this.#networkOf(containerId);
      const endpoint = await this.#maker.attach(network, request);
      await this.#update(network, { ...network, endpoints: [...network.endpoints, endpoint] });
      return endpoint;
    });
  }

  disconnect(containerId: string, networkId: string): Promise<void> {
    return this.#turns.take(containerId, async () => {
      const network = this.#networkOf(containerId);
      const endpoint = network.endpoints.find((candidate) => candidate.networkId === networkId);
      if (!endpoint) {
        throw new StackError(
          'not_found',
          `container ${containerId} is not connected to network ${networkId}`,
        );
      }
      if (endpoint.hostLink !== '') await this.#bridges.get(networkId).detach(endpoint);
      const endpoints = network.endpoints.filter((candidate) => candidate !== endpoint);
      const gateway = endpoints.find((candidate) => candidate.gateway !== '')?.gateway;
      if (gateway !== undefined) {
        await this.#options.kernel.call('routeThrough', {
          path: network.sandboxKey,
          gateway: parseIpv4(gateway),
        });
      }
      const ports = await this.#movePorts(network, endpoints);
      await this.#update(network, { ...network, endpoints, ports });
    });
  }

  get(containerId: string): ContainerNetwork | undefined {
    return this.#running.get(containerId);
  }

  networks(): NetworkDescription[] {
    const { bridge: name, mtu } = this.#options;
    const gateway = this.#bridges.default?.gateway;
    return describeNetworks({
      identities: this.#identities,
      bridge: name !== undefined && gateway ? { name, gateway, mtu } : undefined,
      userDefined: this.#bridges.userDefined,
      containers: [...this.#running.values()],
    });
  }

  find(reference: string): NetworkDescription {
    const network = findNetwork(this.networks(), reference);
    if (!network) throw new StackError('not_found', `network ${reference} not found`);
    return network;
  }

  idOf(name: string): string | undefined {
    if (isBuiltin(name)) return this.#identities[name].id;
    return this.#bridges.userDefined.find((network) => network.name === name)?.id;
  }

  renamed(containerId: string, from: string, to: string): Promise<void> {
    return this.#turns.take(containerId, async () => {
      const network = this.#running.get(containerId);
      if (!network) return;
      const endpoints = network.endpoints.map((endpoint) => ({
        ...endpoint,
        names: endpoint.names.map((name) => (name === from ? to : name)),
      }));
      await this.#update(network, { ...network, endpoints });
    });
  }

  create(request: NetworkRequest): Promise<NetworkDescription> {
    return this.#turns.take(networksTurn, async () => {
      const { id } = await this.#bridges.create(request);
      return this.find(id);
    });
  }

  remove(id: string): Promise<void> {
    return this.#turns.take(networksTurn, async () => {
      const { name, containers, driver } = this.find(id);
      if (driver !== 'bridge' || id === this.#identities.bridge.id) {
        throw new StackError(
          'permission_denied',
          `${name} is a pre-defined network and cannot be removed`,
        );
      }
      if (containers.length > 0) {
        throw new StackError(
          'permission_denied',
          `error while removing network: network ${name} id ${id} has active endpoints`,
        );
      }
      await this.#bridges.remove(id);
    });
  }

  info(): NetworkInfo {
    const { bridge, firewallIntegration } = this.#options;
    const { foreignFilters } = this.#bridges.firewall;
    return {
      bridge,
      firewallIntegration: firewallIntegration ? 'on' : 'off',
      foreignFilters,
      warnings: filterWarnings(bridge ?? '', foreignFilters, this.#legacyFilter),
    };
  }

  async stop(): Promise<void> {
    const remove = this.#running.size === 0;
    await this.#nameServers.closeAll();
    await this.#ports.close();
    await this.#isolated.close();
    await this.#bridges.stop(remove);
    if (!remove) return;
    await this.#sandboxes.removeOthers(new Set());
    this.#sandboxes.removeFolder();
    this.#records.removeFolder();
  }

  async #setUp(containerId: string, setup: NetworkSetup): Promise<ContainerNetwork> {
    if (this.#running.has(containerId)) {
      throw new StackError('conflict', `container ${containerId} already has a network`);
    }
    const [first, ...others] = setup.endpoints;
    if (!first) throw new StackError('invalid_argument', 'a container needs a network');
    const { nameServers } = setup;
    const network = await this.#maker.enter(containerId, first, nameServers);
    this.#running.set(containerId, network);
    try {
      const endpoints = [...network.endpoints];
      for (const request of others) {
        endpoints.push(await this.#maker.attach({ ...network, endpoints }, request));
        this.#running.set(containerId, { ...network, endpoints: [...endpoints] });
      }
      const target = publishedEndpoint({ endpoints });
      const ports = target
        ? await this.#ports.publish(containerId, target.ipAddress, setup.ports)
        : [];
      await this.#update(network, { ...network, endpoints, ports });
    } catch (error) {
      await this.#remove(this.#running.get(containerId) ?? network);
      throw error;
    }
    if (this.#bridgesAreUsed()) this.#bridges.firewall.containersRun(true);
    return this.#networkOf(containerId);
  }

  /** Writes the record of a running container, and opens its name server with the first network of a user's. */
  async #update(before: ContainerNetwork, network: ContainerNetwork): Promise<void> {
    this.#running.set(before.containerId, network);
    await this.#records.save(network);
    if (this.#hasNames(network)) await this.#nameServers.open(network);
  }

  async #remove(network: ContainerNetwork): Promise<void> {
    const { containerId, sandboxKey, sandboxId, endpoints, netnsPath } = network;
    await this.#ports.unpublish(containerId);
    await this.#nameServers.close(containerId);
    if (netnsPath !== undefined) await this.#sandboxes.remove(sandboxKey);
    for (const { networkId, hostLink, ipAddress } of endpoints) {
      if (hostLink !== '') {
        this.#bridges.find(networkId)?.releaseWith(hostLink, parseIpv4(ipAddress));
      }
    }
    await this.#records.delete(sandboxId);
    this.#running.delete(containerId);
    this.#bridges.firewall.containersRun(this.#bridgesAreUsed());
  }

  /** Published ports follow the container to another of its networks when it leaves the one they led to. */
  async #movePorts(
    network: ContainerNetwork,
    endpoints: readonly Endpoint[],
  ): Promise<ContainerNetwork['ports']> {
    const { containerId, ports } = network;
    const target = publishedEndpoint({ endpoints });
    if (ports.length === 0 || target === publishedEndpoint(network)) return ports;
    await this.#ports.unpublish(containerId);
    if (!target) return [];
    await this.#ports.restore(containerId, target.ipAddress, ports);
    return ports;
  }

  /** Whether the network of an earlier run still exists. */
  async #adopt(network: ContainerNetwork): Promise<boolean> {
    const { endpoints, sandboxKey, containerId } = network;
    if (!(await this.#sandboxes.exists(sandboxKey))) return false;
    try {
      for (const { networkId, hostLink, ipAddress } of endpoints) {
        if (hostLink !== '') this.#bridges.get(networkId).adopt(ipAddress);
      }
    } catch (error) {
      // Its subnet is not what it was: flags, or a bridge that somebody changed.
      if (error instanceof StackError) return false;
      throw error;
    }
    this.#running.set(containerId, network);
    if (this.#hasNames(network)) await this.#nameServers.open(network);
    const target = publishedEndpoint(network);
    if (target) await this.#ports.restore(containerId, target.ipAddress, network.ports);
    return true;
  }

  #networkOf(containerId: string): ContainerNetwork {
    const network = this.#running.get(containerId);
    if (!network) throw new StackError('conflict', `container ${containerId} is not running`);
    return network;
  }

  /** On networks of users containers know each other by name; on the default bridge, as with docker, not. */
  #hasNames({ endpoints }: ContainerNetwork): boolean {
    return endpoints.some(({ networkName }) => !isBuiltin(networkName));
  }

  /** The endpoints that a container may ask for by name, its own included, and whether it may ask the world. */
  #neighbours(containerId: string): Neighbourhood {
    const network = this.#running.get(containerId);
    if (!network) return { endpoints: [], nameServers: [], isInternal: true };
    const ids = network.endpoints
      .map(({ networkId }) => networkId)
      .filter((id) => id !== this.#identities.bridge.id);
    const endpoints = [...this.#running.values()].flatMap((other) =>
      other.endpoints.filter(({ networkId }) => ids.includes(networkId)),
    );
    const isInternal = network.endpoints.every(({ gateway }) => gateway === '');
    return { endpoints, nameServers: network.nameServers, isInternal };
  }

  #bridgesAreUsed(): boolean {
    return [...this.#running.values()].some(({ endpoints }) =>
      endpoints.some(({ hostLink }) => hostLink !== ''),
    );
  }
}

/** The endpoint that published ports lead to: the first one that leads to the world. */
function publishedEndpoint({
  endpoints,
}: Pick<ContainerNetwork, 'endpoints'>): Endpoint | undefined {
  return endpoints.find(({ hostLink, gateway }) => hostLink !== '' && gateway !== '');
}

function isBuiltin(name: string): name is BuiltinNetwork {
  return (builtinNetworks as readonly string[]).includes(name);
}
