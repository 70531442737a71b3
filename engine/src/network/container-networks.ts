/** The places of running containers in networks: set up, joined, left, taken over from an earlier run. */
import { Turns } from '#lib/concurrency/turns';
import { parseIpv4 } from '#lib/netlink/ipv4';
import { parseIpv6 } from '#lib/netlink/ipv6';
import { StackError } from '#spec/errors';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import type { NameServers } from './dns/name-servers.ts';
import type { EndpointMaker } from './endpoint-maker.ts';
import type { LinkedNetworks } from './linked-networks.ts';
import {
  isBuiltinNetwork,
  type ContainerNetwork,
  type Endpoint,
  type EndpointRequest,
  type NetworkDescription,
  type NetworkSetup,
} from './network-controller.ts';
import type { NetworkRecords } from './network-records.ts';
import type { PortPublisher, PublishTarget } from './ports/port-publisher.ts';
import type { Sandboxes } from './sandboxes.ts';

export interface ContainerNetworksOptions {
  readonly kernel: KernelThread;
  readonly sandboxes: Sandboxes;
  readonly records: NetworkRecords;
  readonly linked: LinkedNetworks;
  readonly maker: EndpointMaker;
  readonly ports: PortPublisher;
  readonly nameServers: NameServers;
  /** Throws not_found. */
  readonly find: (reference: string) => NetworkDescription;
}

/** Calls for one container are carried out in turn. */
export class ContainerNetworks {
  readonly #options: ContainerNetworksOptions;
  readonly #running = new Map<string, ContainerNetwork>();
  readonly #turns = new Turns();
  /** How many containers are about to be in a network, by its id. */
  readonly #joining = new Map<string, number>();

  constructor(options: ContainerNetworksOptions) {
    this.#options = options;
  }

  /** Of all running containers. */
  get all(): readonly ContainerNetwork[] {
    return [...this.#running.values()];
  }

  get(containerId: string): ContainerNetwork | undefined {
    return this.#running.get(containerId);
  }

  /** Whether a container is in a network, or about to be: then it must not be removed. */
  isJoined(networkId: string): boolean {
    return (
      this.#joining.has(networkId) ||
      this.all.some(({ endpoints }) =>
        endpoints.some((endpoint) => endpoint.networkId === networkId),
      )
    );
  }

  /** Throws conflict for a container that has its networks, and what {@link EndpointMaker} throws. */
  setUp(containerId: string, setup: NetworkSetup): Promise<ContainerNetwork> {
    return this.#turns.take(containerId, () =>
      this.#whileJoining(setup.endpoints, () => this.#setUp(containerId, setup)),
    );
  }

  /** Does nothing for a container without networks. */
  tearDown(containerId: string): Promise<void> {
    return this.#turns.take(containerId, async () => {
      const network = this.#running.get(containerId);
      if (network) await this.#remove(network);
    });
  }

  /** One more network for a running container. */
  connect(containerId: string, request: EndpointRequest): Promise<Endpoint> {
    return this.#turns.take(containerId, () =>
      this.#whileJoining([request], () => this.#connect(containerId, request)),
    );
  }

  /** Throws not_found for a container that is not in the network. */
  disconnect(containerId: string, networkId: string): Promise<void> {
    return this.#turns.take(containerId, async () => {
      const { kernel, linked } = this.#options;
      const network = this.#networkOf(containerId);
      const endpoint = network.endpoints.find((candidate) => candidate.networkId === networkId);
      if (!endpoint) {
        throw new StackError(
          'not_found',
          `container ${containerId} is not connected to network ${networkId}`,
        );
      }
      const { sandboxKey } = network;
      if (endpoint.interfaceName !== '') {
        await linked.get(networkId).detach({ ...endpoint, sandboxKey });
      }
      const endpoints = network.endpoints.filter((candidate) => candidate !== endpoint);
      await kernel.call('routeThrough', { path: sandboxKey, gateways: gatewaysOf(endpoints) });
      const ports = await this.#movePorts(network, endpoints);
      await this.#update(network, { ...network, endpoints, ports });
    });
  }

  /** A container has another name from now on. */
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

  /** Takes over the networks of a container from an earlier run. False where they no longer exist. */
  async adopt(network: ContainerNetwork): Promise<boolean> {
    const { linked, sandboxes, nameServers, ports } = this.#options;
    const { endpoints, sandboxKey, containerId } = network;
    if (!(await sandboxes.exists(sandboxKey))) return false;
    try {
      for (const endpoint of endpoints) {
        if (endpoint.interfaceName === '') continue;
        linked.get(endpoint.networkId).addresses.adopt(endpoint);
      }
    } catch (error) {
      // Its subnet is not what it was: flags, or a bridge that somebody changed.
      if (error instanceof StackError) return false;
      throw error;
    }
    this.#running.set(containerId, network);
    if (hasNames(network)) await nameServers.open(network);
    const target = publishedEndpoint(network);
    if (target) await ports.restore(containerId, this.#targetOf(target), network.ports);
    return true;
  }

  /** Watches the filters of others exactly while a container has a link to a bridge. */
  watchFilters(): void {
    const used = this.all.some(({ endpoints }) =>
      endpoints.some(({ hostLink }) => hostLink !== ''),
    );
    this.#options.linked.firewall.containersRun(used);
  }

  /** Keeps the networks of `requests` from being removed until `action` has ended. */
  async #whileJoining<Result>(
    requests: readonly EndpointRequest[],
    action: () => Promise<Result>,
  ): Promise<Result> {
    const ids = requests.map(({ network }) => this.#options.find(network).id);
    for (const id of ids) this.#joining.set(id, (this.#joining.get(id) ?? 0) + 1);
    try {
      return await action();
    } finally {
      for (const id of ids) {
        const others = (this.#joining.get(id) ?? 1) - 1;
        if (others > 0) this.#joining.set(id, others);
        else this.#joining.delete(id);
      }
    }
  }

  async #connect(containerId: string, request: EndpointRequest): Promise<Endpoint> {
    const network = this.#networkOf(containerId);
    const endpoint = await this.#options.maker.attach(network, request);
    try {
      await this.#update(network, { ...network, endpoints: [...network.endpoints, endpoint] });
    } catch (error) {
      this.#running.set(containerId, network);
      await this.#options.linked
        .get(endpoint.networkId)
        .detach({ ...endpoint, sandboxKey: network.sandboxKey });
      throw error;
    }
    return endpoint;
  }

  async #setUp(containerId: string, setup: NetworkSetup): Promise<ContainerNetwork> {
    if (this.#running.has(containerId)) {
      throw new StackError('conflict', `container ${containerId} already has a network`);
    }
    const [first, ...others] = setup.endpoints;
    if (!first) throw new StackError('invalid_argument', 'a container needs a network');
    const { maker } = this.#options;
    const network = await maker.enter(containerId, first, setup.nameServers);
    this.#running.set(containerId, network);
    try {
      const endpoints = [...network.endpoints];
      for (const request of others) {
        endpoints.push(await maker.attach({ ...network, endpoints }, request));
        this.#running.set(containerId, { ...network, endpoints: [...endpoints] });
      }
      const target = publishedEndpoint({ endpoints });
      const ports = target
        ? await this.#options.ports.publish(containerId, this.#targetOf(target), setup.ports)
        : [];
      await this.#update(network, { ...network, endpoints, ports });
    } catch (error) {
      await this.#remove(this.#running.get(containerId) ?? network);
      throw error;
    }
    this.watchFilters();
    return this.#networkOf(containerId);
  }

  /** Writes the record of a running container, and opens its name server with the first network of a user's. */
  async #update(before: ContainerNetwork, network: ContainerNetwork): Promise<void> {
    this.#running.set(before.containerId, network);
    await this.#options.records.save(network);
    if (hasNames(network)) await this.#options.nameServers.open(network);
  }

  async #remove(network: ContainerNetwork): Promise<void> {
    const { ports, nameServers, sandboxes, linked, records } = this.#options;
    const { containerId, sandboxKey, sandboxId, endpoints, netnsPath } = network;
    await ports.unpublish(containerId);
    await nameServers.close(containerId);
    for (const endpoint of endpoints) {
      if (endpoint.interfaceName === '') continue;
      await linked.find(endpoint.networkId)?.letGo({ ...endpoint, sandboxKey });
    }
    if (netnsPath !== undefined) await sandboxes.remove(sandboxKey);
    await records.delete(sandboxId);
    this.#running.delete(containerId);
    this.watchFilters();
  }

  /** Published ports follow the container to another of its networks when it leaves the one they led to. */
  async #movePorts(
    network: ContainerNetwork,
    endpoints: readonly Endpoint[],
  ): Promise<ContainerNetwork['ports']> {
    const { containerId, ports } = network;
    const target = publishedEndpoint({ endpoints });
    if (ports.length === 0 || target === publishedEndpoint(network)) return ports;
    await this.#options.ports.unpublish(containerId);
    if (!target) return [];
    await this.#options.ports.restore(containerId, this.#targetOf(target), ports);
    return ports;
  }

  #targetOf({ networkId, ipAddress, ipv6Address }: Endpoint): PublishTarget {
    const hostAddress = this.#options.linked.hostAddressOf(networkId);
    return { ipAddress, ipv6Address, hostAddress };
  }

  #networkOf(containerId: string): ContainerNetwork {
    const network = this.#running.get(containerId);
    if (!network) throw new StackError('conflict', `container ${containerId} is not running`);
    return network;
  }
}

/** On networks of users containers know each other by name; on the default bridge, as with docker, not. */
function hasNames({ endpoints }: ContainerNetwork): boolean {
  return endpoints.some(({ networkName }) => !isBuiltinNetwork(networkName));
}

/** The endpoint that published ports lead to: the first one that leads to the world. */
function publishedEndpoint({
  endpoints,
}: Pick<ContainerNetwork, 'endpoints'>): Endpoint | undefined {
  return endpoints.find(({ hostLink, gateway }) => hostLink !== '' && gateway !== '');
}

/** Where the default routes of a container lead: to the first gateway of each family. */
function gatewaysOf(endpoints: readonly Endpoint[]): (number | bigint)[] {
  const ipv4 = endpoints.find(({ gateway }) => gateway !== '')?.gateway;
  const ipv6 = endpoints.find(({ ipv6Gateway }) => ipv6Gateway !== '')?.ipv6Gateway;
  return [
    ...(ipv4 === undefined ? [] : [parseIpv4(ipv4)]),
    ...(ipv6 === undefined ? [] : [parseIpv6(ipv6)]),
  ];
}
