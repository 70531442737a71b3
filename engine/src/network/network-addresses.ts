/** The addresses that containers have in one network: of IPv4, and of IPv6 where the network has it. */
import { parseIpv4, parseIpv4Prefix, type Ipv4Prefix } from '#lib/netlink/ipv4';
import { parseIpv6, parseIpv6Prefix, type Ipv6Prefix } from '#lib/netlink/ipv6';
import { StackError } from '#spec/errors';
import { AddressAllocator } from './address-allocator.ts';
import { ipv4 as ipv4Family, ipv6 as ipv6Family } from './address-family.ts';
import type { NetworkSubnet } from './network-controller.ts';

/** One subnet: its gateway with the subnet's length, and what is kept from containers or for them. */
export interface SubnetPlan<Prefix extends Ipv4Prefix | Ipv6Prefix> {
  readonly gateway: Prefix;
  /** Where addresses that nobody asked for come from; the whole subnet without it. */
  readonly range: Prefix | undefined;
  /** Addresses that are somebody else's. */
  readonly auxiliary: readonly Prefix['address'][];
}

/** Addresses as text, empty where there is none. */
export interface AddressPair {
  readonly ipAddress: string;
  readonly ipv6Address: string;
}

export interface TakenAddresses {
  readonly ipv4: Ipv4Prefix;
  readonly ipv6: Ipv6Prefix | undefined;
}

export class NetworkAddresses {
  readonly gateway: Ipv4Prefix;
  readonly ipv6Gateway: Ipv6Prefix | undefined;
  readonly #ipv4: AddressAllocator<Ipv4Prefix>;
  readonly #ipv6: AddressAllocator<Ipv6Prefix> | undefined;

  constructor(ipv4: SubnetPlan<Ipv4Prefix>, ipv6: SubnetPlan<Ipv6Prefix> | undefined) {
    this.gateway = ipv4.gateway;
    this.ipv6Gateway = ipv6?.gateway;
    this.#ipv4 = new AddressAllocator(ipv4Family, ipv4.gateway, ipv4.range, ipv4.auxiliary);
    this.#ipv6 = ipv6 && new AddressAllocator(ipv6Family, ipv6.gateway, ipv6.range, ipv6.auxiliary);
  }

  /** Takes the addresses that are asked for, or the lowest free ones. Throws conflict, invalid_argument, resource_exhausted. */
  take({ ipAddress, ipv6Address }: Partial<AddressPair>): TakenAddresses {
    if (ipv6Address !== undefined && !this.#ipv6) {
      throw new StackError(
        'invalid_argument',
        `invalid address ${ipv6Address}: the network has no IPv6`,
      );
    }
    const address =
      ipAddress === undefined ? this.#ipv4.allocate() : this.#ipv4.reserve(parseIpv4(ipAddress));
    try {
      return {
        ipv4: { address, length: this.gateway.length },
        ipv6: this.#takeIpv6(ipv6Address),
      };
    } catch (error) {
      this.#ipv4.release(address);
      throw error;
    }
  }

  /** Takes over a container's addresses from an earlier run. Throws as {@link take}. */
  adopt({ ipAddress, ipv6Address }: AddressPair): void {
    this.take({ ipAddress, ...(ipv6Address !== '' && { ipv6Address }) });
  }

  release({ ipAddress, ipv6Address }: AddressPair): void {
    this.#ipv4.release(parseIpv4(ipAddress));
    if (ipv6Address !== '') this.#ipv6?.release(parseIpv6(ipv6Address));
  }

  #takeIpv6(wanted: string | undefined): Ipv6Prefix | undefined {
    if (!this.#ipv6 || !this.ipv6Gateway) return undefined;
    const address =
      wanted === undefined ? this.#ipv6.allocate() : this.#ipv6.reserve(parseIpv6(wanted));
    return { address, length: this.ipv6Gateway.length };
  }
}

/** The plan of an IPv4 subnet that is known in full. */
export function ipv4Plan(subnet: NetworkSubnet): SubnetPlan<Ipv4Prefix> {
  const { gateway, ipRange, auxiliary } = subnet;
  const { length } = parseIpv4Prefix(subnet.subnet);
  return {
    gateway: { address: parseIpv4(gateway), length },
    range: ipRange === undefined ? undefined : parseIpv4Prefix(ipRange),
    auxiliary: Object.values(auxiliary ?? {}).map(parseIpv4),
  };
}

/** The plan of an IPv6 subnet that is known in full. */
export function ipv6Plan(subnet: NetworkSubnet): SubnetPlan<Ipv6Prefix> {
  const { gateway, ipRange, auxiliary } = subnet;
  const { length } = parseIpv6Prefix(subnet.subnet);
  return {
    gateway: { address: parseIpv6(gateway), length },
    range: ipRange === undefined ? undefined : parseIpv6Prefix(ipRange),
    auxiliary: Object.values(auxiliary ?? {}).map(parseIpv6),
  };
}
