/** Networks in the shape of the Engine API: `GET /networks`, `GET /networks/{id}`. */
import type { NetworkDescription } from './network-controller.ts';

export interface NetworkResource {
  readonly Name: string;
  readonly Id: string;
  readonly Created: string;
  readonly Scope: 'local';
  readonly Driver: string;
  readonly EnableIPv4: boolean;
  readonly EnableIPv6: boolean;
  readonly IPAM: {
    readonly Driver: 'default';
    readonly Options: Readonly<Record<string, string>> | null;
    readonly Config: readonly {
      readonly Subnet: string;
      readonly IPRange?: string;
      readonly Gateway: string;
      readonly AuxiliaryAddresses?: Readonly<Record<string, string>>;
    }[];
  };
  readonly Internal: boolean;
  readonly Attachable: boolean;
  readonly Ingress: boolean;
  readonly ConfigFrom: { readonly Network: string };
  readonly ConfigOnly: boolean;
  readonly Containers: Readonly<Record<string, NetworkContainer>>;
  readonly Options: Readonly<Record<string, string>>;
  readonly Labels: Readonly<Record<string, string>>;
}

/** A container in the inspection of a network. */
export interface NetworkContainer {
  readonly Name: string;
  readonly EndpointID: string;
  readonly MacAddress: string;
  readonly IPv4Address: string;
  readonly IPv6Address: string;
}

/**
 * The API's shape of a network.
 * @param nameOf a container's name without slash by its id; lists leave it out and have no containers.
 */
export function networkResource(
  network: NetworkDescription,
  nameOf?: (containerId: string) => string,
): NetworkResource {
  const { name, id, created, driver, subnets, options, labels, containers } = network;
  return {
    Name: name,
    Id: id,
    Created: created,
    Scope: 'local',
    Driver: driver,
    EnableIPv4: true,
    EnableIPv6: subnets.some(({ subnet }) => subnet.includes(':')),
    IPAM: {
      Driver: 'default',
      Options: null,
      Config: subnets.map(({ subnet, ipRange, gateway, auxiliary }) => ({
        Subnet: subnet,
        ...(ipRange !== undefined && { IPRange: ipRange }),
        Gateway: gateway,
        ...(auxiliary && { AuxiliaryAddresses: auxiliary }),
      })),
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: nameOf
      ? Object.fromEntries(
          containers.map(({ containerId, endpoint }) => [
            containerId,
            {
              Name: nameOf(containerId),
              EndpointID: endpoint.endpointId,
              MacAddress: endpoint.macAddress,
              IPv4Address:
                endpoint.ipAddress === '' ? '' : `${endpoint.ipAddress}/${endpoint.prefixLength}`,
              IPv6Address:
                endpoint.ipv6Address === ''
                  ? ''
                  : `${endpoint.ipv6Address}/${endpoint.ipv6PrefixLength}`,
            },
          ]),
        )
      : {},
    Options: options,
    Labels: labels,
  };
}

/** The network that an id, an unambiguous prefix of one, or a name means, as docker resolves it. */
export function findNetwork(
  networks: readonly NetworkDescription[],
  reference: string,
): NetworkDescription | undefined {
  const exact =
    networks.find(({ id }) => id === reference) ?? networks.find(({ name }) => name === reference);
  if (exact || reference === '') return exact;
  const matches = networks.filter(({ id }) => id.startsWith(reference));
  return matches.length === 1 ? matches[0] : undefined;
}
