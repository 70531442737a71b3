/** The subnets that users ask of a new network (`IPAM.Config`), checked: at most one of each family. */
import { StackError } from '#spec/errors';
import { ipv4, ipv6, type AddressFamily, type Prefix } from './address-family.ts';
import type { RequestedSubnet } from './network-store.ts';

/** One entry of `IPAM.Config`; older clients say AuxAddress. */
export interface IpamConfig {
  Subnet?: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: Record<string, string>;
  AuxAddress?: Record<string, string>;
}

/** Throws invalid_argument naming what makes no sense, unimplemented for a second subnet of a family. */
export function requestedSubnets(configs: readonly IpamConfig[]): {
  subnet: RequestedSubnet | undefined;
  ipv6Subnet: RequestedSubnet | undefined;
} {
  const isIpv6 = ({ Subnet, Gateway, IPRange }: IpamConfig): boolean =>
    [Subnet, Gateway, IPRange].some((text) => text?.includes(':'));
  const [first, ...moreIpv4] = configs.filter((config) => !isIpv6(config));
  const [firstOfIpv6, ...moreIpv6] = configs.filter(isIpv6);
  if (moreIpv4.length + moreIpv6.length > 0) {
    throw new StackError(
      'unimplemented',
      'a second subnet of the same family in a network is not implemented by this engine',
    );
  }
  return {
    subnet: first && requestedSubnet(first, ipv4),
    ipv6Subnet: firstOfIpv6 && requestedSubnet(firstOfIpv6, ipv6),
  };
}

function requestedSubnet<P extends Prefix>(
  { Subnet = '', IPRange = '', Gateway = '', AuxiliaryAddresses, AuxAddress }: IpamConfig,
  family: AddressFamily<P>,
): RequestedSubnet | undefined {
  if (Subnet === '') {
    if (IPRange !== '' || Gateway !== '') {
      throw invalid('user specified gateway or range needs a subnet');
    }
    return undefined;
  }
  const subnet = checkedSubnet(Subnet, family);
  const inside = (text: string, what: string): string => {
    const address = family.parseAddress(text);
    if (!family.hosts(subnet, address)) {
      throw invalid(`invalid ${what} ${text}: it is no address of a host of ${Subnet}`);
    }
    return family.format(address);
  };
  const range = IPRange === '' ? undefined : family.parse(IPRange);
  if (range && !(range.length >= subnet.length && family.overlaps(range, subnet))) {
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
    ...(range && { ipRange: family.formatPrefix(family.networkOf(range)) }),
    ...(Object.keys(auxiliary).length > 0 && { auxiliary }),
  };
}

function checkedSubnet<P extends Prefix>(text: string, family: AddressFamily<P>): P {
  const prefix = family.parse(text);
  const subnet = family.networkOf(prefix);
  if (subnet.address !== prefix.address) {
    throw invalid(`invalid subnet ${text}: it should be ${family.formatPrefix(subnet)}`);
  }
  if (subnet.length > family.bits - 2) {
    throw invalid(`invalid subnet ${text}: it has no room for hosts`);
  }
  return subnet;
}

function invalid(message: string): StackError {
  return new StackError('invalid_argument', message);
}
