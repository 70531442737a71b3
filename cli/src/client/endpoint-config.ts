/** A container's place in a network, as `run --network` and `network connect` tell it to the API. */

export interface EndpointChoice {
  aliases?: readonly string[] | undefined;
  driverOptions?: Readonly<Record<string, string>> | undefined;
  gatewayPriority?: number | undefined;
  ipv4?: string | undefined;
  ipv6?: string | undefined;
  links?: readonly string[] | undefined;
  linkLocalIps?: readonly string[] | undefined;
  macAddress?: string | undefined;
}

/** EndpointSettings with what was chosen and nothing else. */
export function endpointConfig(choice: EndpointChoice): Record<string, unknown> {
  const { aliases = [], driverOptions = {}, gatewayPriority, ipv4, ipv6 } = choice;
  const { links = [], linkLocalIps = [], macAddress } = choice;
  const hasAddress = ipv4 !== undefined || ipv6 !== undefined || linkLocalIps.length > 0;
  return {
    ...(aliases.length > 0 && { Aliases: aliases }),
    ...(Object.keys(driverOptions).length > 0 && { DriverOpts: driverOptions }),
    ...(gatewayPriority !== undefined && { GwPriority: gatewayPriority }),
    ...(links.length > 0 && { Links: links }),
    ...(macAddress !== undefined && { MacAddress: macAddress }),
    ...(hasAddress && {
      IPAMConfig: {
        ...(ipv4 !== undefined && { IPv4Address: ipv4 }),
        ...(ipv6 !== undefined && { IPv6Address: ipv6 }),
        ...(linkLocalIps.length > 0 && { LinkLocalIPs: linkLocalIps }),
      },
    }),
  };
}
