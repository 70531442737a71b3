/** How a container gets into a network: a namespace with its first one, a further link for each other. */
import { StackError } from '#spec/errors';
import { linkFields } from './linked-network.ts';
import type { LinkedNetworks } from './linked-networks.ts';
import {
  hasLinks,
  type ContainerNetwork,
  type Endpoint,
  type EndpointRequest,
  type NetworkDescription,
} from './network-controller.ts';
import { newId } from './network-identities.ts';
import type { PreparedPool } from './prepared-pool.ts';
import type { SandboxHandle, Sandboxes } from './sandboxes.ts';

export interface EndpointMakerOptions {
  readonly linked: LinkedNetworks;
  readonly sandboxes: Sandboxes;
  /** Namespaces with loopback only. */
  readonly isolated: PreparedPool<SandboxHandle>;
  /** Throws not_found. */
  readonly find: (reference: string) => NetworkDescription;
}

export class EndpointMaker {
  readonly #options: EndpointMakerOptions;

  constructor(options: EndpointMakerOptions) {
    this.#options = options;
  }

  /** A namespace with the container's first network. Throws not_found for it, invalid_argument, resource_exhausted. */
  async enter(
    containerId: string,
    request: EndpointRequest,
    nameServers: readonly string[],
  ): Promise<ContainerNetwork> {
    const { id, name, driver } = this.#options.find(request.network);
    const { mac, ipAddress, ipv6Address } = request;
    const asksForAddress = [mac, ipAddress, ipv6Address].some((wish) => wish !== undefined);
    if (!hasLinks(driver) && asksForAddress) {
      throw new StackError(
        'invalid_argument',
        `a MAC or IP address needs a network with links, not "${name}"`,
      );
    }
    const common = { networkId: id, networkName: name, endpointId: newId() };
    const { names, aliases, links = {} } = request;
    if (!hasLinks(driver)) {
      const sandboxKey = driver === 'host' ? await this.#options.sandboxes.host() : undefined;
      const sandbox = sandboxKey
        ? { id: newId(), path: sandboxKey }
        : (this.#options.isolated.take() ?? (await this.#options.sandboxes.create()));
      return {
        containerId,
        sandboxId: sandbox.id,
        sandboxKey: sandbox.path,
        netnsPath: driver === 'host' ? undefined : sandbox.path,
        endpoints: [{ ...common, ...noAddress, names, aliases }],
        nameServers,
        ports: [],
      };
    }
    const sandbox = await this.#options.linked.get(id).connect(request);
    return {
      containerId,
      sandboxId: sandbox.id,
      sandboxKey: sandbox.path,
      netnsPath: sandbox.path,
      endpoints: sandbox.link
        ? [{ ...common, ...linkFields(sandbox.link), interfaceName: 'eth0', names, aliases, links }]
        : [],
      nameServers,
      ports: [],
    };
  }

  /** One more network for a namespace that has one. Throws permission_denied for what cannot be together. */
  async attach(
    { containerId, sandboxKey, endpoints }: ContainerNetwork,
    request: EndpointRequest,
  ): Promise<Endpoint> {
    const { id, name, driver } = this.#options.find(request.network);
    if (!hasLinks(driver) || endpoints.some(({ interfaceName }) => interfaceName === '')) {
      throw new StackError(
        'permission_denied',
        'container cannot be connected to host network or none network together with others',
      );
    }
    if (endpoints.some(({ networkId }) => networkId === id)) {
      throw new StackError(
        'permission_denied',
        `endpoint with name ${containerId} already exists in network ${name}`,
      );
    }
    const used = new Set(endpoints.map(({ interfaceName }) => interfaceName));
    let number = 0;
    while (used.has(`eth${number}`)) number++;
    const interfaceName = `eth${number}`;
    const link = await this.#options.linked.get(id).attach(sandboxKey, interfaceName, request);
    const { names, aliases, links = {} } = request;
    return {
      networkId: id,
      networkName: name,
      endpointId: newId(),
      ...linkFields(link),
      interfaceName,
      names,
      aliases,
      links,
    };
  }
}

const noAddress = {
  ipAddress: '',
  prefixLength: 0,
  gateway: '',
  ipv6Address: '',
  ipv6PrefixLength: 0,
  ipv6Gateway: '',
  macAddress: '',
  interfaceName: '',
  hostLink: '',
} as const;
