/** Networks as the rest of engined sees them. */
import type { ForeignFilter } from '../kernel/foreign-filters.ts';
import type { NetworkRequest } from './network-store.ts';
import type { PortRequest, PublishedPort } from './ports/port-requests.ts';

/** The networks that every engine has. */
export const builtinNetworks = ['bridge', 'host', 'none'] as const;
export type BuiltinNetwork = (typeof builtinNetworks)[number];

/** Whether every engine has a network of this name. */
export function isBuiltinNetwork(name: string): name is BuiltinNetwork {
  return (builtinNetworks as readonly string[]).includes(name);
}

/** Drivers of networks in which containers have links. */
export const linkDrivers = ['bridge', 'macvlan', 'ipvlan'] as const;
export type LinkDriver = (typeof linkDrivers)[number];

/** Whether containers have links in networks of this driver. */
export function hasLinks(driver: NetworkDescription['driver']): driver is LinkDriver {
  return (linkDrivers as readonly string[]).includes(driver);
}

/** What a container wants of one network. */
export interface EndpointRequest {
  /** Id or name of the network. */
  readonly network: string;
  /** On a bridge; derived from the address without it. */
  readonly mac?: string;
  /** In the network's subnet; the lowest free one without it. */
  readonly ipAddress?: string;
  /** In its IPv6 subnet. */
  readonly ipv6Address?: string;
  /** Names that the container's neighbours may call it by, besides its own. */
  readonly names: readonly string[];
  /** Those of the names that the user chose, for inspect. */
  readonly aliases: readonly string[];
  /** Names that this container alone knows neighbours by, with theirs. */
  readonly links?: Readonly<Record<string, string>>;
}

export interface NetworkSetup {
  /** `host` and `none` stand alone; otherwise the first one gives the default route. */
  readonly endpoints: readonly EndpointRequest[];
  /** Name servers for questions that the engine's own server passes on; the host's when empty. */
  readonly nameServers: readonly string[];
  /** To be reached at from outside; host and none have none. */
  readonly ports: readonly PortRequest[];
}

/** A container's place in one network. Fields that the network does not have are empty, as in docker's inspect. */
export interface Endpoint {
  readonly networkId: string;
  readonly networkName: string;
  readonly endpointId: string;
  readonly ipAddress: string;
  readonly prefixLength: number;
  readonly gateway: string;
  readonly ipv6Address: string;
  readonly ipv6PrefixLength: number;
  readonly ipv6Gateway: string;
  readonly macAddress: string;
  /** `eth0` in the container; empty in networks without links. */
  readonly interfaceName: string;
  /** Name of the other end on the host; empty where it has none. */
  readonly hostLink: string;
  readonly aliases: readonly string[];
  readonly names: readonly string[];
  /** Absent without any. */
  readonly links?: Readonly<Record<string, string>>;
}

/** The networks of one running container. */
export interface ContainerNetwork {
  readonly containerId: string;
  /** 64 hex digits. */
  readonly sandboxId: string;
  /** Path of the network namespace, also for the host's. */
  readonly sandboxKey: string;
  /** What the runtime must join; undefined for the host's: the container gets no namespace of its own. */
  readonly netnsPath: string | undefined;
  readonly endpoints: readonly Endpoint[];
  readonly nameServers: readonly string[];
  readonly ports: readonly PublishedPort[];
}

/** One network, in terms of the engine; routes give it the API's shape. */
export interface NetworkDescription {
  readonly name: string;
  readonly id: string;
  /** RFC 3339. */
  readonly created: string;
  readonly driver: LinkDriver | 'host' | 'null';
  readonly internal: boolean;
  readonly attachable: boolean;
  /** What was asked for or chosen, IPv4's before IPv6's; empty for host and none. */
  readonly subnets: readonly NetworkSubnet[];
  /** Of the driver. */
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly { readonly containerId: string; readonly endpoint: Endpoint }[];
}

export interface NetworkSubnet {
  /** `172.30.0.0/16` */
  readonly subnet: string;
  readonly gateway: string;
  /** Part of the subnet that addresses are taken from. */
  readonly ipRange?: string;
  /** Addresses that are somebody else's, by name. */
  readonly auxiliary?: Readonly<Record<string, string>>;
}

/** What `info` says about networking. */
export interface NetworkInfo {
  /** Name of the default bridge; undefined with `--bridge=none`. */
  readonly bridge: string | undefined;
  readonly firewallIntegration: 'on' | 'off';
  /** Filters of others that may drop forwarded packets. */
  readonly foreignFilters: readonly ForeignFilter[];
  readonly warnings: readonly string[];
}

/**
 * Sets up and removes networks, and the places of containers in them.
 *
 * Call order: start, restore, then anything, stop last. Calls for one container are carried out in turn: a tearDown
 * during a setUp removes what that made.
 */
export interface NetworkController {
  /** Creates or adopts the bridges and writes the packet filter rules. */
  start(): Promise<void>;

  /**
   * Takes over the networks of the running containers `known` from an earlier run, and removes what that run left
   * of all others. Returns what it found of the known.
   */
  restore(known: Iterable<string>): Promise<ContainerNetwork[]>;

  /** Throws not_found for a network, conflict when the container has its networks, resource_exhausted. */
  setUp(containerId: string, setup: NetworkSetup): Promise<ContainerNetwork>;

  /** Call after the container's last process ended. Does nothing for a container without a network. */
  tearDown(containerId: string): Promise<void>;

  /** Gives a running container a place in one more network. */
  connect(containerId: string, request: EndpointRequest): Promise<Endpoint>;

  /** Takes a running container's place in a network away. Throws not_found when it has none. */
  disconnect(containerId: string, networkId: string): Promise<void>;

  /** The networks of a running container. */
  get(containerId: string): ContainerNetwork | undefined;

  networks(): NetworkDescription[];

  /** Id, unambiguous prefix of one, or name. Throws not_found in docker's words. */
  find(reference: string): NetworkDescription;

  /** The id of the network that has exactly this name. */
  idOf(name: string): string | undefined;

  /** Undefined for a network that does not exist. */
  driverOf(id: string): NetworkDescription['driver'] | undefined;

  /** A container has another name from now on. */
  renamed(containerId: string, from: string, to: string): Promise<void>;

  /** Makes a network. Throws conflict for its name or subnet, invalid_argument, resource_exhausted. */
  create(request: NetworkRequest): Promise<NetworkDescription>;

  /** Removes a network. Throws permission_denied for a built-in one, conflict while running containers are in it. */
  remove(id: string): Promise<void>;

  info(): NetworkInfo;

  /** Addresses of this machine that every container reaches; none without a default bridge. */
  hostGateways(): readonly string[];

  /**
   * Ends background work. When no container has a network any more, also removes everything that was created:
   * bridges, rules, namespaces. Otherwise all of it stays for the running containers and the next start.
   */
  stop(): Promise<void>;
}
