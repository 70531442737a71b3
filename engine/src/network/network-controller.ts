/** Networks as the rest of engined sees them. */
import type { ForeignFilter } from '../kernel/foreign-filters.ts';

export type NetworkMode = 'bridge' | 'none' | 'host';

export interface NetworkSetup {
  readonly mode: NetworkMode;
  /** The container's MAC on a bridge; derived from its address without it. */
  readonly mac?: string;
}

/** The network of one running container. Fields that its mode does not have are empty, as in docker's inspect. */
export interface ContainerNetwork {
  readonly containerId: string;
  readonly mode: NetworkMode;
  /** 64 hex digits. */
  readonly sandboxId: string;
  /** Path of the network namespace, also for `host`. */
  readonly sandboxKey: string;
  /** What the runtime must join; undefined for `host`: the container gets no namespace of its own. */
  readonly netnsPath: string | undefined;
  readonly networkId: string;
  readonly endpointId: string;
  readonly ipAddress: string;
  readonly prefixLength: number;
  readonly gateway: string;
  readonly macAddress: string;
}

/** One network, in terms of the engine; routes give it the API's shape. */
export interface NetworkDescription {
  readonly name: 'bridge' | 'host' | 'none';
  readonly id: string;
  /** RFC 3339. */
  readonly created: string;
  readonly driver: 'bridge' | 'host' | 'null';
  /** `172.30.0.0/16`; undefined for host and none. */
  readonly subnet: string | undefined;
  readonly gateway: string | undefined;
  /** Of the driver. */
  readonly options: Readonly<Record<string, string>>;
  readonly containers: readonly ContainerNetwork[];
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
 * Sets up and removes the networks of containers.
 *
 * Call order: start, restore, then anything, stop last. Calls for one container are carried out in turn: a tearDown
 * during a setUp removes what that made.
 */
export interface NetworkController {
  /** Creates or adopts the default bridge and writes the packet filter rules. */
  start(): Promise<void>;

  /**
   * Takes over the networks of the running containers `known` from an earlier run, and removes what that run left
   * of all others. Returns what it found of the known.
   */
  restore(known: Iterable<string>): Promise<ContainerNetwork[]>;

  /** Throws conflict when the container has a network, resource_exhausted when the subnet is full. */
  setUp(containerId: string, setup: NetworkSetup): Promise<ContainerNetwork>;

  /** Call after the container's last process ended. Does nothing for a container without a network. */
  tearDown(containerId: string): Promise<void>;

  /** The network of a running container. */
  get(containerId: string): ContainerNetwork | undefined;

  networks(): NetworkDescription[];

  info(): NetworkInfo;

  /**
   * Ends background work. When no container has a network any more, also removes everything that was created:
   * bridge, rules, namespaces. Otherwise all of it stays for the running containers and the next start.
   */
  stop(): Promise<void>;
}
