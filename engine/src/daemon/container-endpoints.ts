/** The networks of a container: what it asks for, checked and named, and what its start needs of them. */
import { StackError, isStackError } from '#spec/errors';
import type { ContainerConfig } from '../api/container-config.ts';
import type { HostConfig } from '../api/host-config.ts';
import { portRequests, type PortRequest } from '../network/ports/port-requests.ts';
import type { EndpointRequest, NetworkController } from '../network/network-controller.ts';
import type { EndpointConfig } from '../network/network-settings.ts';
import type { Container, ContainerRecord } from './container.ts';
import type { ContainerStore } from './container-store.ts';

const sharePrefix = 'container:';

/** Settings of an endpoint as the API has them, by the network they were given for. */
export type EndpointWishes = Readonly<Record<string, EndpointWish>>;

export interface EndpointWish {
  readonly aliases: readonly string[];
  /** `CONTAINER` or `CONTAINER:NAME`: names that this container alone knows others by. */
  readonly links: readonly string[];
  readonly ipAddress: string;
  readonly ipv6Address: string;
  readonly mac: string;
}

/** The container whose network namespace `mode` means to share; undefined for other modes. Throws not_found. */
export function networkProvider(containers: ContainerStore, mode: string): Container | undefined {
  return mode.startsWith(sharePrefix) ? containers.get(mode.slice(sharePrefix.length)) : undefined;
}

/** Whether the container has a network namespace of nobody's but the host's. */
export function usesHostNetwork({ NetworkMode: mode }: HostConfig): boolean {
  return mode === 'host';
}

/**
 * The networks of a new container, the one that NetworkMode names first. One that does not exist is asked for again when
 * the container starts, as with docker. Throws invalid_argument for what a network's kind does not have.
 */
export function endpointConfigs(
  network: NetworkController,
  { NetworkMode: mode, PortBindings: ports, PublishAllPorts: all }: HostConfig,
  config: ContainerConfig,
  wishes: EndpointWishes,
): EndpointConfig[] {
  if (mode.startsWith(sharePrefix)) {
    if (Object.keys(ports).length > 0 || all) {
      throw new StackError(
        'invalid_argument',
        'conflicting options: port publishing and the container type network mode',
      );
    }
    if (Object.keys(wishes).length > 0) {
      throw new StackError(
        'invalid_argument',
        'conflicting options: a container in the network of another one has no networks of its own',
      );
    }
    return [];
  }
  const named = new Map(
    Object.entries(wishes).map(([name, wish]) => [canonicalName(network, name), wish]),
  );
  const primary = canonicalName(network, mode);
  const others = [...named.keys()].filter((name) => name !== primary);
  if (others.length > 0 && ['host', 'none'].includes(primary)) {
    throw new StackError(
      'invalid_argument',
      `conflicting options: network ${primary} cannot be used together with others`,
    );
  }
  return [primary, ...others].map((name) => {
    const {
      aliases = [],
      links = [],
      ipAddress = '',
      ipv6Address = '',
      mac = '',
    } = named.get(name) ?? {};
    const wish = {
      ...{ aliases, links, ipAddress, ipv6Address },
      mac: mac || (name === primary ? (config.MacAddress ?? '') : ''),
    };
    return exists(network, name)
      ? checkedEndpoint(network, name, wish)
      : { network: name, ...wish };
  });
}

/** One network's entry. Throws as {@link endpointConfigs}, and not_found. */
export function checkedEndpoint(
  network: NetworkController,
  reference: string,
  { aliases, links, ipAddress, ipv6Address, mac }: EndpointWish,
): EndpointConfig {
  const { name, subnets } = network.find(reference);
  if (isBuiltin(name)) {
    if (aliases.length > 0) {
      throw new StackError(
        'invalid_argument',
        'network-scoped alias is supported only for containers in user defined networks',
      );
    }
    if (links.length > 0) {
      throw new StackError(
        'unimplemented',
        'links on networks that are not user defined are not implemented by this engine',
      );
    }
    if (ipAddress !== '' || ipv6Address !== '') {
      throw new StackError(
        'invalid_argument',
        'user specified IP address is supported on user defined networks only',
      );
    }
  }
  if (ipAddress !== '' && subnets.length === 0) {
    throw new StackError('invalid_argument', `network ${name} has no subnet`);
  }
  if (ipv6Address !== '' && !subnets.some(({ subnet }) => subnet.includes(':'))) {
    throw new StackError('invalid_argument', `network ${name} has no IPv6 subnet`);
  }
  for (const link of links) parseLink(link);
  return { network: name, aliases, links, ipAddress, ipv6Address, mac };
}

/** What the network controller is to set up for a container that starts, or joins one more network. */
export function endpointRequest(
  { id, name, config }: ContainerRecord,
  { network, aliases, links = [], ipAddress, ipv6Address = '', mac }: EndpointConfig,
): EndpointRequest {
  const names = [name, ...aliases, id.slice(0, 12), config.Hostname];
  return {
    network,
    aliases,
    links: Object.fromEntries(links.map(parseLink)),
    names: [...new Set(names.filter((item) => item !== ''))],
    ...(ipAddress !== '' && { ipAddress }),
    ...(ipv6Address !== '' && { ipv6Address }),
    ...(mac !== '' && { mac }),
  };
}

/** `CONTAINER` or `CONTAINER:NAME`, as name and container. Throws invalid_argument. */
function parseLink(text: string): [name: string, container: string] {
  const [container = '', name = container, ...rest] = text.split(':');
  if (container === '' || name === '' || rest.length > 0) {
    throw new StackError('invalid_argument', `bad format for links: ${text}`);
  }
  return [name.replace(/^\//, ''), container.replace(/^\//, '')];
}

/** The ports that a container wants to be reached at. Throws invalid_argument for a binding that makes no sense. */
export function wantedPorts({
  config,
  hostConfig,
}: Pick<ContainerRecord, 'config' | 'hostConfig'>): PortRequest[] {
  const { PortBindings: bindings, PublishAllPorts: all } = hostConfig;
  return portRequests(bindings, all, Object.keys(config.ExposedPorts ?? {}));
}

/** Whether containers on this network know each other by name. */
export function isUserDefined({ network }: EndpointConfig): boolean {
  return !isBuiltin(network);
}

function isBuiltin(name: string): boolean {
  return ['bridge', 'host', 'none'].includes(name);
}

function canonicalName(network: NetworkController, reference: string): string {
  const named = reference === '' || reference === 'default' ? 'bridge' : reference;
  return exists(network, named) ? network.find(named).name : named;
}

function exists(network: NetworkController, reference: string): boolean {
  try {
    network.find(reference);
    return true;
  } catch (error) {
    if (isStackError(error, 'not_found')) return false;
    throw error;
  }
}
