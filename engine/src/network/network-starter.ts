/** Brings networks up: the default bridge, those on record, and new ones with the subnets that are chosen for them. */
import {
  networkOf,
  overlaps,
  parseIpv4,
  parseIpv4Prefix,
  type Ipv4Prefix,
} from '#lib/netlink/ipv4';
import {
  networkOfIpv6,
  overlapsIpv6,
  parseIpv6,
  parseIpv6Prefix,
  type Ipv6Prefix,
} from '#lib/netlink/ipv6';
import type { AddressPool } from './address-pool.ts';
import { BridgeNetwork, type BridgeNetworkOptions } from './bridge-network.ts';
import { bridgeName, bridgeTraits, mtuOf, parentOf } from './driver-options.ts';
import type { Firewall } from './firewall.ts';
import { uniqueLocalPool, type Ipv6Pool } from './ipv6-pool.ts';
import type { LinkReaper } from './link-reaper.ts';
import type { LinkedNetwork } from './linked-network.ts';
import type { LinkedNetworksOptions } from './linked-networks.ts';
import { ipv4Plan, ipv6Plan, type SubnetPlan } from './network-addresses.ts';
import type { NetworkRequest, RequestedSubnet, StoredNetwork } from './network-store.ts';
import { hostNameServers } from './resolv-conf.ts';
import { StackedNetwork } from './stacked-network.ts';

export interface NetworkStarterOptions extends LinkedNetworksOptions {
  readonly firewall: Firewall;
  readonly reaper: LinkReaper;
  /** What the names of all links of this engine begin with. */
  readonly linkPrefix: string;
  /** Text that marks links as this engine's. */
  readonly owner: string;
  /** Of all networks, whether their links are up or not. */
  readonly subnets: () => { ipv4: readonly Ipv4Prefix[]; ipv6: readonly Ipv6Prefix[] };
}

/** Enough for two containers that start together. */
const preparedSandboxes = 2;

export class NetworkStarter {
  readonly #options: NetworkStarterOptions;

  constructor(options: NetworkStarterOptions) {
    this.#options = options;
  }

  /** The default bridge, as the flags want it. */
  async startDefault(bridge: string): Promise<BridgeNetwork> {
    const { bip, pools, icc, masquerade, hostAddress, fixedCidr } = this.#options;
    return BridgeNetwork.start({
      ...this.#common(),
      bridge,
      ipv4: { gateway: bip, range: fixedCidr, auxiliary: [] },
      ipv6: await this.#defaultIpv6(bridge),
      pools: [...this.#lastPool(bridge), ...pools],
      prepared: preparedSandboxes,
      ...{ icc, masquerade, hostAddress },
    });
  }

  /** A network on record. */
  startStored(network: StoredNetwork): Promise<LinkedNetwork> {
    const { subnet, ipv6Subnet } = network;
    return this.#start(network, ipv4Plan(subnet), ipv6Subnet && ipv6Plan(ipv6Subnet));
  }

  /** A new one. Throws resource_exhausted where no subnet is free, and what the kernel has against it. */
  async startNew(id: string, request: NetworkRequest): Promise<LinkedNetwork> {
    const { subnet, ipv6Subnet, driver } = request;
    const ipv4 =
      driver !== 'bridge' && subnet === undefined
        ? await this.#freeIpv4()
        : subnet && parseIpv4Prefix(subnet.subnet);
    return this.#start(
      { ...request, id },
      {
        gateway: ipv4 && gatewayIn(ipv4, subnet?.gateway),
        range: subnet?.ipRange === undefined ? undefined : parseIpv4Prefix(subnet.ipRange),
        auxiliary: Object.values(subnet?.auxiliary ?? {}).map(parseIpv4),
      },
      request.ipv6 ? await this.#newIpv6(ipv6Subnet) : undefined,
    );
  }

  async #start(
    network: Pick<StoredNetwork, 'id' | 'driver' | 'options' | 'internal'>,
    ipv4: BridgeNetworkOptions['ipv4'],
    ipv6: SubnetPlan<Ipv6Prefix> | undefined,
  ): Promise<LinkedNetwork> {
    const { id, driver, options, internal } = network;
    const { kernel, logger, sandboxes, owner } = this.#options;
    const mtu = mtuOf(options);
    if (driver === 'bridge') {
      return BridgeNetwork.start({
        ...this.#common(),
        ...bridgeTraits(options),
        ...(mtu !== undefined && { mtu }),
        bridge: bridgeName(id, options),
        ...{ internal, ipv4, ipv6 },
      });
    }
    const gateway = ipv4.gateway ?? gatewayIn(await this.#freeIpv4(), undefined);
    return StackedNetwork.start({
      ...{ kernel, logger, sandboxes, owner, internal, mtu, ipv6 },
      ...parentOf(driver, id, options),
      ipv4: { ...ipv4, gateway },
    });
  }

  #common(): Omit<
    BridgeNetworkOptions,
    'bridge' | 'ipv4' | 'ipv6' | 'icc' | 'masquerade' | 'hostAddress'
  > {
    const { kernel, logger, sandboxes, mtu, pools, firewall, reaper, linkPrefix, owner } =
      this.#options;
    return {
      ...{ kernel, logger, sandboxes, mtu, pools, firewall, reaper, linkPrefix, owner },
      avoid: this.#avoid(),
      internal: false,
      prepared: 0,
    };
  }

  #avoid(): Ipv4Prefix[] {
    const servers = hostNameServers().map((server) => ({ address: parseIpv4(server), length: 32 }));
    return [...servers, ...this.#options.subnets().ipv4];
  }

  #freeIpv4(): Promise<Ipv4Prefix> {
    const { kernel, pools } = this.#options;
    return kernel.call('chooseIpv4Subnet', { pools, avoid: this.#avoid() });
  }

  async #newIpv6(wanted: RequestedSubnet | undefined): Promise<SubnetPlan<Ipv6Prefix>> {
    const subnet = wanted ? parseIpv6Prefix(wanted.subnet) : await this.#freeIpv6();
    return {
      gateway: ipv6GatewayIn(subnet, wanted?.gateway),
      range: wanted?.ipRange === undefined ? undefined : parseIpv6Prefix(wanted.ipRange),
      auxiliary: Object.values(wanted?.auxiliary ?? {}).map(parseIpv6),
    };
  }

  #freeIpv6(): Promise<Ipv6Prefix> {
    const { kernel, subnets } = this.#options;
    return kernel.call('chooseIpv6Subnet', { pools: this.#ipv6Pools, avoid: subnets().ipv6 });
  }

  async #defaultIpv6(bridge: string): Promise<SubnetPlan<Ipv6Prefix> | undefined> {
    const { ipv6, fixedCidrV6, identities } = this.#options;
    if (!ipv6) return undefined;
    const { lastBridge } = identities;
    const last =
      lastBridge?.name === bridge && lastBridge.ipv6Gateway !== undefined
        ? networkOfIpv6(parseIpv6Prefix(lastBridge.ipv6Gateway))
        : undefined;
    const subnet = fixedCidrV6 ?? (last && this.#isAllowed(last) ? last : await this.#freeIpv6());
    return { gateway: ipv6GatewayIn(subnet, undefined), range: undefined, auxiliary: [] };
  }

  get #ipv6Pools(): readonly Ipv6Pool[] {
    const { ipv6Pools, identities } = this.#options;
    return ipv6Pools.length > 0 ? ipv6Pools : [uniqueLocalPool(identities.bridge.id)];
  }

  #isAllowed(subnet: Ipv6Prefix): boolean {
    return this.#ipv6Pools.some(
      ({ base, size }) => size === subnet.length && overlapsIpv6(base, subnet),
    );
  }

  /** The subnet of the last start, if the flags still allow it: addresses stay what users have seen. */
  #lastPool(bridge: string): AddressPool[] {
    const { identities, pools } = this.#options;
    const { lastBridge } = identities;
    if (lastBridge?.name !== bridge) return [];
    const gateway = parseIpv4Prefix(lastBridge.gateway);
    const allowed = pools.some(
      ({ base, size }) => size === gateway.length && overlaps(base, gateway),
    );
    return allowed ? [{ base: networkOf(gateway), size: gateway.length }] : [];
  }
}

/** The gateway that was asked for, or the first host of the subnet. */
function gatewayIn(subnet: Ipv4Prefix, gateway: string | undefined): Ipv4Prefix {
  const address = gateway === undefined ? networkOf(subnet).address + 1 : parseIpv4(gateway);
  return { address, length: subnet.length };
}

function ipv6GatewayIn(subnet: Ipv6Prefix, gateway: string | undefined): Ipv6Prefix {
  const address = gateway === undefined ? networkOfIpv6(subnet).address + 1n : parseIpv6(gateway);
  return { address, length: subnet.length };
}
