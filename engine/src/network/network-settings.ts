/** `NetworkSettings` of a container's inspection, in the shape of the Engine API. */
import type { ContainerNetwork, Endpoint } from './network-controller.ts';
import { parsePort } from './ports/port-requests.ts';

/** What a container asks of one network; part of its record. */
export interface EndpointConfig {
  /** Name of the network. */
  readonly network: string;
  readonly aliases: readonly string[];
  /** Empty where none was asked for. */
  readonly ipAddress: string;
  /** Absent in records of earlier versions, as the next. */
  readonly links?: readonly string[];
  readonly ipv6Address?: string;
  readonly mac: string;
}

/** One place where a port is published. */
export interface PortPlace {
  readonly HostIp: string;
  readonly HostPort: string;
}

/** One entry of `Networks`. */
export interface EndpointSettings {
  readonly IPAMConfig: { readonly IPv4Address?: string; readonly IPv6Address?: string } | null;
  readonly Links: readonly string[] | null;
  readonly Aliases: readonly string[] | null;
  readonly MacAddress: string;
  readonly DriverOpts: null;
  readonly NetworkID: string;
  readonly EndpointID: string;
  readonly Gateway: string;
  readonly IPAddress: string;
  readonly IPPrefixLen: number;
  readonly IPv6Gateway: string;
  readonly GlobalIPv6Address: string;
  readonly GlobalIPv6PrefixLen: number;
  readonly DNSNames: readonly string[] | null;
}

export interface NetworkSettings {
  readonly Bridge: string;
  readonly SandboxID: string;
  readonly SandboxKey: string;
  readonly Ports: Readonly<Record<string, PortPlace[] | null>>;
  readonly HairpinMode: boolean;
  readonly LinkLocalIPv6Address: string;
  readonly LinkLocalIPv6PrefixLen: number;
  readonly SecondaryIPAddresses: null;
  readonly SecondaryIPv6Addresses: null;
  readonly EndpointID: string;
  readonly Gateway: string;
  readonly GlobalIPv6Address: string;
  readonly GlobalIPv6PrefixLen: number;
  readonly IPAddress: string;
  readonly IPPrefixLen: number;
  readonly IPv6Gateway: string;
  readonly MacAddress: string;
  readonly Networks: Readonly<Record<string, EndpointSettings>>;
}

/**
 * @param configs the networks that the container asks for.
 * @param network undefined while the container does not run: its networks are named, without addresses.
 * @param idOf a network's id by its name; empty where it is gone.
 * @param exposedPorts `80/tcp`, …
 */
export function networkSettings(
  configs: readonly EndpointConfig[],
  network: ContainerNetwork | undefined,
  idOf: (name: string) => string,
  exposedPorts: readonly string[] = [],
): NetworkSettings {
  const endpointOf = (name: string): Endpoint | undefined =>
    network?.endpoints.find(({ networkName }) => networkName === name);
  // Only the default bridge appears at the top, where clients of API < 1.52 look for it.
  const top = addresses(endpointOf('bridge'));
  return {
    Bridge: '',
    SandboxID: network?.sandboxId ?? '',
    SandboxKey: network?.sandboxKey ?? '',
    Ports: network ? portPlaces(network, exposedPorts) : {},
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    ...top,
    Networks: Object.fromEntries(
      configs.map((config) => [
        config.network,
        endpointSettings(config, endpointOf(config.network), idOf(config.network)),
      ]),
    ),
  };
}

/** Where the ports of a running container are published; null for those that are only exposed. */
function portPlaces(
  { ports }: ContainerNetwork,
  exposed: readonly string[],
): Record<string, PortPlace[] | null> {
  const places: Record<string, PortPlace[] | null> = Object.fromEntries(
    exposed.map((port) => [port.includes('/') ? port : `${port}/tcp`, null]),
  );
  for (const { protocol, containerPort, hostIp, hostPort } of ports) {
    const port = `${containerPort}/${protocol}`;
    (places[port] ??= []).push({ HostIp: hostIp, HostPort: String(hostPort) });
  }
  return places;
}

/** One entry of the list's `Ports`. */
export interface PortSummary {
  readonly IP?: string;
  readonly PrivatePort: number;
  readonly PublicPort?: number;
  readonly Type: string;
}

/** `Ports` of `GET /containers/json`. */
export function portSummaries(
  network: ContainerNetwork | undefined,
  exposed: readonly string[],
): PortSummary[] {
  if (!network) return [];
  return Object.entries(portPlaces(network, exposed)).flatMap(([port, places]): PortSummary[] => {
    const { containerPort, protocol } = parsePort(port);
    const inside = { PrivatePort: containerPort, Type: protocol };
    if (!places) return [inside];
    return places.map(({ HostIp, HostPort }) => ({
      IP: HostIp,
      ...inside,
      PublicPort: Number(HostPort),
    }));
  });
}

function endpointSettings(
  { network, aliases, links = [], ipAddress, ipv6Address = '', mac }: EndpointConfig,
  endpoint: Endpoint | undefined,
  networkId: string,
): EndpointSettings {
  const isUserDefined = !['bridge', 'host', 'none'].includes(network);
  return {
    IPAMConfig: isUserDefined
      ? {
          ...(ipAddress !== '' && { IPv4Address: ipAddress }),
          ...(ipv6Address !== '' && { IPv6Address: ipv6Address }),
        }
      : null,
    Links: links.length > 0 ? links : null,
    Aliases: aliases.length > 0 ? aliases : null,
    DriverOpts: null,
    NetworkID: endpoint?.networkId ?? networkId,
    ...addresses(endpoint),
    MacAddress: endpoint?.macAddress ?? mac,
    DNSNames: isUserDefined && endpoint ? endpoint.names : null,
  };
}

function addresses(endpoint: Endpoint | undefined) {
  return {
    EndpointID: endpoint?.endpointId ?? '',
    Gateway: endpoint?.gateway ?? '',
    IPAddress: endpoint?.ipAddress ?? '',
    IPPrefixLen: endpoint?.prefixLength ?? 0,
    IPv6Gateway: endpoint?.ipv6Gateway ?? '',
    GlobalIPv6Address: endpoint?.ipv6Address ?? '',
    GlobalIPv6PrefixLen: endpoint?.ipv6PrefixLength ?? 0,
    MacAddress: endpoint?.macAddress ?? '',
  };
}
