/** `NetworkSettings` of a container's inspection, in the shape of the Engine API. */
import type { ContainerNetwork, NetworkMode } from './network-controller.ts';

/** One entry of `Networks`. */
export interface EndpointSettings {
  readonly IPAMConfig: null;
  readonly Links: null;
  readonly Aliases: null;
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
  readonly DNSNames: null;
}

export interface NetworkSettings {
  readonly Bridge: string;
  readonly SandboxID: string;
  readonly SandboxKey: string;
  readonly Ports: Readonly<Record<string, null>>;
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
 * @param network undefined while the container does not run: its network is named, without addresses.
 * @param networkId of the network that `mode` names.
 * @param exposedPorts `80/tcp`, …; nothing is published.
 */
export function networkSettings(
  mode: NetworkMode,
  networkId: string,
  network?: ContainerNetwork,
  exposedPorts: readonly string[] = [],
): NetworkSettings {
  const address = {
    EndpointID: network?.endpointId ?? '',
    Gateway: network?.gateway ?? '',
    IPAddress: network?.ipAddress ?? '',
    IPPrefixLen: network?.prefixLength ?? 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    MacAddress: network?.macAddress ?? '',
  };
  const unused = { IPAMConfig: null, Links: null, Aliases: null, DriverOpts: null, DNSNames: null };
  return {
    Bridge: '',
    SandboxID: network?.sandboxId ?? '',
    SandboxKey: network?.sandboxKey ?? '',
    Ports: network ? Object.fromEntries(exposedPorts.map((port) => [port, null])) : {},
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    // Only the default bridge appears at the top, where clients of API < 1.52 look for it.
    ...(mode === 'bridge'
      ? address
      : { ...address, EndpointID: '', Gateway: '', IPAddress: '', MacAddress: '' }),
    Networks: { [mode]: { ...unused, ...address, NetworkID: networkId } },
  };
}
