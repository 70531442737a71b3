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
    readonly Options: null;
    readonly Config: readonly { readonly Subnet: string; readonly Gateway: string }[];
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
  const { name, id, created, driver, subnet, gateway, options, containers } = network;
  return {
    Name: name,
    Id: id,
    Created: created,
    Scope: 'local',
    Driver: driver,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: {
      Driver: 'default',
      Options: null,
      Config:
        subnet !== undefined && gateway !== undefined ? [{ Subnet: subnet, Gateway: gateway }] : [],
    },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: nameOf
      ? Object.fromEntries(
          containers.map(({ containerId, endpointId, macAddress, ipAddress, prefixLength }) => [
            containerId,
            {
              Name: nameOf(containerId),
              EndpointID: endpointId,
              MacAddress: macAddress,
              IPv4Address: ipAddress === '' ? '' : `${ipAddress}/${prefixLength}`,
              IPv6Address: '',
            },
          ]),
        )
      : {},
    Options: options,
    Labels: {},
  };
}

/** The network that an id, an unambiguous prefix of one, or a name means, as docker resolves it. */
export function findNetwork(
  networks: readonly NetworkDescription[],
  reference: string,
): NetworkDescription | undefined {
  const exact = networks.find(({ id, name }) => id === reference || name === reference);
  if (exact || reference === '') return exact;
  const matches = networks.filter(({ id }) => id.startsWith(reference));
  return matches.length === 1 ? matches[0] : undefined;
}
