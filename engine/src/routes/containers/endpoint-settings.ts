/** docker's EndpointSettings as clients send them: what a container wants of one network. */
import { array, anything, cString, optional, string } from '#spec/json-decoder';
import { StackError } from '#spec/errors';
import { goObject, isZero } from '../../api/go-json.ts';
import type { EndpointWish } from '../../daemon/container-endpoints.ts';

const decodeSettings = goObject<{
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] };
  Aliases?: string[];
  MacAddress?: string;
  Links?: string[];
  DriverOpts?: unknown;
  GwPriority?: unknown;
}>({
  IPAMConfig: optional(
    goObject<{ IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] }>({
      IPv4Address: optional(string),
      IPv6Address: optional(string),
      LinkLocalIPs: optional(array(string)),
    }),
  ),
  Aliases: optional(array(cString)),
  MacAddress: optional(string),
  Links: optional(array(cString)),
  DriverOpts: optional(anything),
  GwPriority: optional(anything),
});

/** Reads settings, whose outcome (addresses, ids) clients may send along. Throws invalid_argument or unimplemented. */
export function decodeEndpoint(value: unknown, path: string): EndpointWish {
  if (value === undefined || value === null)
    return { aliases: [], links: [], ipAddress: '', ipv6Address: '', mac: '' };
  const {
    IPAMConfig = {},
    Aliases = [],
    Links = [],
    MacAddress = '',
    ...rest
  } = decodeSettings(value, path);
  const refused = {
    ...rest,
    'IPAMConfig.LinkLocalIPs': IPAMConfig.LinkLocalIPs,
  };
  for (const [name, field] of Object.entries(refused)) {
    if (isZero(field)) continue;
    throw new StackError('unimplemented', `${path}.${name} is not implemented by this engine`);
  }
  return {
    aliases: Aliases,
    links: Links,
    ipAddress: IPAMConfig.IPv4Address ?? '',
    ipv6Address: IPAMConfig.IPv6Address ?? '',
    mac: MacAddress,
  };
}
