/** The network flags of engined, parsed and checked together. */
import { isIP, isIPv4 } from 'node:net';
import {
  broadcastOf,
  formatIpv4Prefix,
  networkOf,
  overlaps,
  parseIpv4Prefix,
  type Ipv4Prefix,
} from '#lib/netlink/ipv4';
import { networkOfIpv6, parseIpv6Prefix, type Ipv6Prefix } from '#lib/netlink/ipv6';
import { StackError } from '#spec/errors';
import { ipv4, ipv6 } from './address-family.ts';
import { defaultAddressPools, parseAddressPool, type AddressPool } from './address-pool.ts';
import type { Ipv6Pool } from './ipv6-pool.ts';

/** Flags as they were given. */
export interface NetworkFlags {
  /** `-b`, `--bridge`: name of a bridge, created if missing; `none` for no default bridge. */
  readonly bridge?: string | undefined;
  /** `--bip`: address of the bridge, `172.30.0.1/16`. */
  readonly bip?: string | undefined;
  /** `--default-address-pool`, repeatable: `base=10.10.0.0/16,size=24`. */
  readonly defaultAddressPool?: readonly string[] | undefined;
  /** `--mtu`. */
  readonly mtu?: number | undefined;
  /** `--ipv6`: the default bridge has IPv6. */
  readonly ipv6?: boolean | undefined;
  /** `--fixed-cidr-v6`: its IPv6 subnet. */
  readonly fixedCidrV6?: string | undefined;
  /** `--fixed-cidr`: where addresses of containers on the default bridge come from. */
  readonly fixedCidr?: string | undefined;
  /** `--icc`: whether containers on the default bridge reach each other. */
  readonly icc?: boolean | undefined;
  /** `--ip-masq`. */
  readonly ipMasq?: boolean | undefined;
  /** `--ip`: where ports are published that name no address. */
  readonly ip?: string | undefined;
  /** `--host-gateway-ip`: what `host-gateway` of --add-host stands for. */
  readonly hostGatewayIp?: readonly string[] | undefined;
  /** `--firewall-integration`. */
  readonly firewallIntegration?: string | undefined;
}

export interface NetworkOptions {
  /** Undefined: there is no default bridge. */
  readonly bridge: string | undefined;
  readonly bip: Ipv4Prefix | undefined;
  readonly pools: readonly AddressPool[];
  /** Of `--default-address-pool`; empty where none has IPv6: then the engine has one of its own. */
  readonly ipv6Pools: readonly Ipv6Pool[];
  readonly ipv6: boolean;
  readonly fixedCidrV6: Ipv6Prefix | undefined;
  readonly fixedCidr: Ipv4Prefix | undefined;
  readonly icc: boolean;
  readonly masquerade: boolean;
  /** Empty for every address. */
  readonly hostAddress: string;
  /** Empty for the default bridge's own addresses. */
  readonly hostGateway: readonly string[];
  readonly mtu: number;
  readonly firewallIntegration: boolean;
}

export const defaultBridge = 'engine0';
const defaultMtu = 1500;

/** Checks the flags. Throws invalid_argument. */
export function parseNetworkFlags(flags: NetworkFlags): NetworkOptions {
  const { bridge = defaultBridge, mtu = defaultMtu, firewallIntegration = 'on' } = flags;
  if (firewallIntegration !== 'on' && firewallIntegration !== 'off') {
    throw invalid('firewall-integration', firewallIntegration, 'expected "on" or "off"');
  }
  if (!Number.isInteger(mtu) || mtu < 68 || mtu > 65535) {
    throw invalid('mtu', String(mtu), 'expected 68 to 65535');
  }
  if (bridge === 'none' && flags.bip !== undefined) {
    throw invalid('bip', flags.bip, 'there is no bridge with --bridge=none');
  }
  const pools = flags.defaultAddressPool ?? [];
  const isIpv6 = (pool: string): boolean => /base=[^,]*:/i.test(pool);
  const ipv4Pools = pools
    .filter((pool) => !isIpv6(pool))
    .map((pool) => parseAddressPool(ipv4, pool));
  if (flags.fixedCidrV6 !== undefined && flags.ipv6 !== true) {
    throw invalid('fixed-cidr-v6', flags.fixedCidrV6, 'it needs --ipv6');
  }
  const hostAddress = flags.ip ?? '';
  if (hostAddress !== '' && !isIPv4(hostAddress)) {
    throw invalid('ip', hostAddress, 'expected an IPv4 address');
  }
  for (const address of flags.hostGatewayIp ?? []) {
    if (isIP(address) === 0) throw invalid('host-gateway-ip', address, 'expected an IP address');
  }
  const bip = flags.bip === undefined ? undefined : bridgeAddress(flags.bip);
  return {
    bridge: bridge === 'none' ? undefined : checkedName(bridge),
    bip,
    pools: ipv4Pools.length > 0 ? ipv4Pools : defaultAddressPools,
    ipv6Pools: pools.filter(isIpv6).map((pool) => parseAddressPool(ipv6, pool)),
    ipv6: flags.ipv6 ?? false,
    fixedCidrV6: flags.fixedCidrV6 === undefined ? undefined : ipv6Subnet(flags.fixedCidrV6),
    fixedCidr: flags.fixedCidr === undefined ? undefined : rangeOf(flags.fixedCidr, bip),
    icc: flags.icc ?? true,
    masquerade: flags.ipMasq ?? true,
    hostAddress: hostAddress === '0.0.0.0' ? '' : hostAddress,
    hostGateway: flags.hostGatewayIp ?? [],
    mtu,
    firewallIntegration: firewallIntegration === 'on',
  };
}

/** A link's name that is also a valid part of the nft table's name. The kernel allows 15 bytes. */
function checkedName(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name)) {
    throw invalid('bridge', name, 'expected up to 15 letters, digits, "_", "." and "-"');
  }
  return name;
}

function bridgeAddress(text: string): Ipv4Prefix {
  const prefix = parseIpv4Prefix(text);
  const network = networkOf(prefix).address;
  if (prefix.length > 30 || prefix.address === network || prefix.address === broadcastOf(prefix)) {
    const subnet = formatIpv4Prefix(networkOf(prefix));
    throw invalid('bip', text, `that is no address for a host of ${subnet}`);
  }
  return prefix;
}

function ipv6Subnet(text: string): Ipv6Prefix {
  const prefix = parseIpv6Prefix(text);
  if (prefix.length > 126) throw invalid('fixed-cidr-v6', text, 'it has no room for hosts');
  return networkOfIpv6(prefix);
}

function rangeOf(text: string, bip: Ipv4Prefix | undefined): Ipv4Prefix {
  const range = parseIpv4Prefix(text);
  if (!bip || range.length < bip.length || !overlaps(range, bip)) {
    throw invalid('fixed-cidr', text, 'it must be part of the subnet that --bip names');
  }
  return networkOf(range);
}

function invalid(flag: string, value: string, reason: string): StackError {
  return new StackError('invalid_argument', `invalid --${flag} "${value}": ${reason}`);
}
