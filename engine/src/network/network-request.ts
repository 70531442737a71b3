/** What users ask of a new network, checked: `POST /networks/create`. */
import { array, boolean, optional, record, string } from '#spec/json-decoder';
import { StackError } from '#spec/errors';
import { goObject, isZero } from '../api/go-json.ts';
import { checkDriverOptions } from './driver-options.ts';
import { hasLinks, isBuiltinNetwork, type LinkDriver } from './network-controller.ts';
import type { NetworkRequest } from './network-store.ts';
import { requestedSubnets, type IpamConfig } from './subnet-request.ts';

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

/** Reads the body. Throws invalid_argument naming the field, permission_denied, or unimplemented. */
export function decodeNetworkRequest(body: unknown): NetworkRequest & { warning: string } {
  const {
    Name: name = '',
    Driver: asked = 'bridge',
    Internal: internal = false,
    Attachable: attachable = false,
    EnableIPv6: ipv6 = false,
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
  if (isBuiltinNetwork(name) || name === 'default') {
    throw new StackError(
      'permission_denied',
      `operation is not permitted on predefined ${name} network`,
    );
  }
  const driver = linkDriver(asked);
  for (const field of ['Ingress', 'ConfigOnly'] as const) {
    if (!isZero(rest[field])) refuse(field);
  }
  if (rest.EnableIPv4 === false) refuse('a network without IPv4');
  if (!['', 'local', undefined].includes(rest.Scope)) refuse(`Scope ${rest.Scope ?? ''}`);
  if (!['', 'default', undefined].includes(ipam.Driver)) refuse(`IPAM.Driver ${ipam.Driver ?? ''}`);
  if (!isZero(ipam.Options)) refuse('IPAM.Options');
  checkDriverOptions(driver, options);
  const { subnet, ipv6Subnet } = requestedSubnets(ipam.Config ?? []);
  return {
    ...{ name, driver, internal, attachable, subnet, ipv6, options, labels },
    ipv6Subnet: ipv6 ? ipv6Subnet : undefined,
    warning:
      ipv6Subnet && !ipv6
        ? `IPv6 subnet ${ipv6Subnet.subnet} is ignored: the network is made without IPv6`
        : '',
  };
}

function linkDriver(driver: string): LinkDriver {
  if (driver === 'host' || driver === 'null') {
    throw new StackError(
      'permission_denied',
      `only one instance of "${driver}" network is allowed`,
    );
  }
  if (driver === 'overlay') {
    throw new StackError('unavailable', 'This node is not a swarm manager.');
  }
  if (driver === '' || driver === 'default') return 'bridge';
  if (hasLinks(driver as LinkDriver)) return driver as LinkDriver; // which hasLinks has just found out
  throw new StackError('not_found', `could not find plugin ${driver} in v1 plugin registry`);
}

function refuse(what: string): never {
  throw new StackError('unimplemented', `${what} is not implemented by this engine`);
}
