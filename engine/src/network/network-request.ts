/** What users ask of a new network, checked: `POST /networks/create`. */
import {
  broadcastOf,
  formatIpv4Prefix,
  networkOf,
  overlaps,
  parseIpv4,
  parseIpv4Prefix,
} from '#lib/netlink/ipv4';
import { array, boolean, optional, record, string } from '#spec/json-decoder';
import { StackError } from '#spec/errors';
import { goObject, isZero } from '../api/go-json.ts';
import { builtinNetworks } from './network-controller.ts';
import type { NetworkRequest, RequestedSubnet } from './network-store.ts';

interface IpamConfig {
  Subnet?: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: Record<string, string>;
  AuxAddress?: Record<string, string>;
}

const decodeBody = goObject<{
  Name?: string;
  Driver?: string;
  Internal?: boolean;
  Attachable?: boolean;
  Ingress?: boolean;
  ConfigOnly?: boolean;
  Scope?: string;
  EnableIPv4?: boolean;
  EnableIPv6?: boolean;
  IPAM?: { Driver?: string; Config?: IpamConfig[]; Options?: Record<string, string> };
  Options?: Record<string, string>;
  Labels?: Record<string, string>;
}>({
  Name: optional(string),
  Driver: optional(string),
  Internal: optional(boolean),
  Attachable: optional(boolean),
  Ingress: optional(boolean),
  ConfigOnly: optional(boolean),
  Scope: optional(string),
  EnableIPv4: optional(boolean),
  EnableIPv6: optional(boolean),
  IPAM: optional(
    goObject<{ Driver?: string; Config?: IpamConfig[]; Options?: Record<string, string> }>({
      Driver: optional(string),
      Options: optional(record(string)),
      Config: optional(
        array(
          goObject<IpamConfig>({
            Subnet: optional(string),
            IPRange: optional(string),
            Gateway: optional(string),
            AuxiliaryAddresses: optional(record(string)),
            AuxAddress: optional(record(string)),
          }),
        ),
      ),
    }),
  ),
  Options: optional(record(string)),
  Labels: optional(record(string)),
});

/** Options of the bridge driver that are honoured, with what may stand there. */
const bridgeOptions: Readonly<Record<string, RegExp>> = {
  'com.docker.network.bridge.name': /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/,
  'com.docker.network.driver.mtu': /^\d{2,5}$/,
  // Only what is the default: the others would need rules that do not exist yet.
  'com.docker.network.bridge.enable_icc': /^(true|1)$/,
  'com.docker.network.bridge.enable_ip_masquerade': /^(true|1)$/,
};

/** Reads the body. Throws invalid_argument naming the field, permission_denied, or unimplemented. */
export function decodeNetworkRequest(body: unknown): NetworkRequest {
  const {
    Name: name = '',
    Driver: driver = 'bridge',
    Internal: internal = false,
    Attachable: attachable = false,
    IPAM: ipam = {},
    Options: options = {},
    Labels: labels = {},
    ...rest
  } = decodeBody(body ?? {}, '');
  if (!/^[a-zA-Z0-9][\w.-]*$/.test(name) || name.length > 255) {
    throw new StackError(
      'invalid_argument',
      `invalid network name "${name}": only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    );
  }
  if ((builtinNetworks as readonly string[]).includes(name) || name === 'default') {
    throw new StackError(
      'permission_denied',
      `operation is not permitted on predefined ${name} network`,
    );
  }
  if (driver === 'host' || driver === 'null') {
    throw new StackError(
      'permission_denied',
      `only one instance of "${driver}" network is allowed`,
    );
  }
  if (driver === 'overlay') {
    throw new StackError('unavailable', 'This node is not a swarm manager.');
  }
  if (['macvlan', 'ipvlan'].includes(driver)) refuse(`network driver "${driver}"`);
  if (driver !== 'bridge' && driver !== 'default' && driver !== '') {
    throw new StackError('not_found', `could not find plugin ${driver} in v1 plugin registry`);
  }
  for (const field of ['Ingress', 'ConfigOnly', 'EnableIPv6'] as const) {
    if (!isZero(rest[field])) refuse(field);
  }
  if (rest.EnableIPv4 === false) refuse('a network without IPv4');
  if (!['', 'local', undefined].includes(rest.Scope)) refuse(`Scope ${rest.Scope ?? ''}`);
  if (!['', 'default', undefined].includes(ipam.Driver)) refuse(`IPAM.Driver ${ipam.Driver ?? ''}`);
  if (!isZero(ipam.Options)) refuse('IPAM.Options');
  for (const [key, value] of Object.entries(options)) checkOption(key, value);
  return { name, internal, attachable, subnet: subnetOf(ipam.Config ?? []), options, labels };
}

function checkOption(key: string, value: string): void {
  const allowed = Object.hasOwn(bridgeOptions, key) ? bridgeOptions[key] : undefined;
  if (!allowed) refuse(`network option ${key}`);
  if (!allowed.test(value)) refuse(`network option ${key}=${value}`);
}

function subnetOf(configs: readonly IpamConfig[]): RequestedSubnet | undefined {
  if (configs.length > 1) refuse('a second subnet in a network');
  const [{ Subnet = '', IPRange = '', Gateway = '', AuxiliaryAddresses, AuxAddress } = {}] =
    configs;
  if (Subnet === '') {
    if (IPRange !== '' || Gateway !== '') {
      throw invalid('user specified gateway or range needs a subnet');
    }
    return undefined;
  }
  if (Subnet.includes(':')) refuse('an IPv6 subnet');
  const prefix = parseIpv4Prefix(Subnet);
  const subnet = networkOf(prefix);
  if (subnet.address !== prefix.address) {
    throw invalid(`invalid subnet ${Subnet}: it should be ${formatIpv4Prefix(subnet)}`);
  }
  if (subnet.length > 30) throw invalid(`invalid subnet ${Subnet}: it has no room for hosts`);
  const inside = (text: string, what: string): string => {
    const address = parseIpv4(text);
    if (
      !overlaps(subnet, { address, length: 32 }) ||
      address === subnet.address ||
      address === broadcastOf(subnet)
    ) {
      throw invalid(`invalid ${what} ${text}: parent subnet is an IPv4 block of ${Subnet}`);
    }
    return text;
  };
  const auxiliary = { ...AuxAddress, ...AuxiliaryAddresses };
  for (const address of Object.values(auxiliary)) inside(address, 'auxiliary address');
  return {
    subnet: Subnet,
    ...(Gateway !== '' && { gateway: inside(Gateway, 'gateway') }),
    ...(IPRange !== '' && { ipRange: rangeIn(IPRange, Subnet) }),
    ...(Object.keys(auxiliary).length > 0 && { auxiliary }),
  };
}

function rangeIn(range: string, subnet: string): string {
  const [inner, outer] = [parseIpv4Prefix(range), parseIpv4Prefix(subnet)];
  if (inner.length < outer.length || !overlaps(inner, outer)) {
    throw invalid(`invalid ip-range ${range}: it is not part of ${subnet}`);
  }
  return formatIpv4Prefix(networkOf(inner));
}

function invalid(message: string): StackError {
  return new StackError('invalid_argument', message);
}

function refuse(what: string): never {
  throw new StackError('unimplemented', `${what} is not implemented by this engine`);
}
