/** The subnets that users ask of a new network (`IPAM.Config`), checked: at most one of each family. */
import {
  broadcastOf,
  formatIpv4Prefix,
  networkOf,
  overlaps,
  parseIpv4,
  parseIpv4Prefix,
} from '#lib/netlink/ipv4';
import {
  formatIpv6,
  formatIpv6Prefix,
  networkOfIpv6,
  overlapsIpv6,
  parseIpv6,
  parseIpv6Prefix,
} from '#lib/netlink/ipv6';
import { StackError } from '#spec/errors';
import type { RequestedSubnet } from './network-store.ts';

/** One entry of `IPAM.Config`; older clients say AuxAddress. */
export interface IpamConfig {
  Subnet?: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: Record<string, string>;
  AuxAddress?: Record<string, string>;
}

/** What can be done with the addresses of one family. */
interface FamilyRules {
  /** Throws invalid_argument unless `subnet` is one. */
  checkSubnet(subnet: string): void;
  /** Whether an address may belong to a host of the subnet. Throws invalid_argument for no address. */
  isHostIn(address: string, subnet: string): boolean;
  /** The range as it is kept; undefined where it is no part of the subnet. */
  rangeIn(range: string, subnet: string): string | undefined;
  /** An address as it is kept. */
  canonical(address: string): string;
}

/** Throws invalid_argument naming what makes no sense, unimplemented for a second subnet of a family. */
export function requestedSubnets(configs: readonly IpamConfig[]): {
  subnet: RequestedSubnet | undefined;
  ipv6Subnet: RequestedSubnet | undefined;
} {
  const isIpv6 = ({ Subnet, Gateway, IPRange }: IpamConfig): boolean =>
    [Subnet, Gateway, IPRange].some((text) => text?.includes(':'));
  const [ipv4, ...moreIpv4] = configs.filter((config) => !isIpv6(config));
  const [ipv6, ...moreIpv6] = configs.filter(isIpv6);
  if (moreIpv4.length + moreIpv6.length > 0) {
    throw new StackError(
      'unimplemented',
      'a second subnet of the same family in a network is not implemented by this engine',
    );
  }
  return {
    subnet: ipv4 && requestedSubnet(ipv4, ipv4Rules),
    ipv6Subnet: ipv6 && requestedSubnet(ipv6, ipv6Rules),
  };
}

function requestedSubnet(
  { Subnet = '', IPRange = '', Gateway = '', AuxiliaryAddresses, AuxAddress }: IpamConfig,
  rules: FamilyRules,
): RequestedSubnet | undefined {
  if (Subnet === '') {
    if (IPRange !== '' || Gateway !== '') {
      throw invalid('user specified gateway or range needs a subnet');
    }
    return undefined;
  }
  rules.checkSubnet(Subnet);
  const inside = (text: string, what: string): string => {
    if (!rules.isHostIn(text, Subnet)) {
      throw invalid(`invalid ${what} ${text}: it is no address of a host of ${Subnet}`);
    }
    return rules.canonical(text);
  };
  const range = IPRange === '' ? undefined : rules.rangeIn(IPRange, Subnet);
  if (IPRange !== '' && range === undefined) {
    throw invalid(`invalid ip-range ${IPRange}: it is not part of ${Subnet}`);
  }
  const auxiliary = Object.fromEntries(
    Object.entries({ ...AuxAddress, ...AuxiliaryAddresses }).map(([name, address]) => [
      name,
      inside(address, 'auxiliary address'),
    ]),
  );
  return {
    subnet: Subnet,
    ...(Gateway !== '' && { gateway: inside(Gateway, 'gateway') }),
    ...(range !== undefined && { ipRange: range }),
    ...(Object.keys(auxiliary).length > 0 && { auxiliary }),
  };
}

const ipv4Rules: FamilyRules = {
  checkSubnet(text) {
    const prefix = parseIpv4Prefix(text);
    const subnet = networkOf(prefix);
    if (subnet.address !== prefix.address) {
      throw invalid(`invalid subnet ${text}: it should be ${formatIpv4Prefix(subnet)}`);
    }
    if (subnet.length > 30) throw invalid(`invalid subnet ${text}: it has no room for hosts`);
  },
  isHostIn(text, subnetText) {
    const address = parseIpv4(text);
    const subnet = parseIpv4Prefix(subnetText);
    return (
      overlaps(subnet, { address, length: 32 }) &&
      address !== subnet.address &&
      address !== broadcastOf(subnet)
    );
  },
  rangeIn(range, subnet) {
    const [inner, outer] = [parseIpv4Prefix(range), parseIpv4Prefix(subnet)];
    const isPart = inner.length >= outer.length && overlaps(inner, outer);
    return isPart ? formatIpv4Prefix(networkOf(inner)) : undefined;
  },
  canonical: (address) => address,
};

const ipv6Rules: FamilyRules = {
  checkSubnet(text) {
    const prefix = parseIpv6Prefix(text);
    const subnet = networkOfIpv6(prefix);
    if (subnet.address !== prefix.address) {
      throw invalid(`invalid subnet ${text}: it should be ${formatIpv6Prefix(subnet)}`);
    }
    if (subnet.length > 126) throw invalid(`invalid subnet ${text}: it has no room for hosts`);
  },
  isHostIn(text, subnetText) {
    const address = parseIpv6(text);
    const subnet = parseIpv6Prefix(subnetText);
    return overlapsIpv6(subnet, { address, length: 128 }) && address !== subnet.address;
  },
  rangeIn(range, subnet) {
    const [inner, outer] = [parseIpv6Prefix(range), parseIpv6Prefix(subnet)];
    const isPart = inner.length >= outer.length && overlapsIpv6(inner, outer);
    return isPart ? formatIpv6Prefix(networkOfIpv6(inner)) : undefined;
  },
  canonical: (address) => formatIpv6(parseIpv6(address)),
};

function invalid(message: string): StackError {
  return new StackError('invalid_argument', message);
}
