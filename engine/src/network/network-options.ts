/** The network flags of engined, parsed and checked together. */
import {
  broadcastOf,
  formatIpv4Prefix,
  networkOf,
  parseIpv4Prefix,
  type Ipv4Prefix,
} from '#lib/netlink/ipv4';
import { StackError } from '#spec/errors';
import { defaultAddressPools, parseAddressPool, type AddressPool } from './address-pool.ts';

/** Flags as they were given. */
export interface NetworkFlags {
  /** `-b`, `--bridge`: name of a bridge, created if missing; `none` for no default bridge. */
  readonly bridge?: string;
  /** `--bip`: address of the bridge, `172.30.0.1/16`. */
  readonly bip?: string;
  /** `--default-address-pool`, repeatable: `base=10.10.0.0/16,size=24`. */
  readonly defaultAddressPool?: readonly string[];
  /** `--mtu`. */
  readonly mtu?: number;
  /** `--firewall-integration`. */
  readonly firewallIntegration?: string;
}

export interface NetworkOptions {
  /** Undefined: there is no default bridge. */
  readonly bridge: string | undefined;
  readonly bip: Ipv4Prefix | undefined;
  readonly pools: readonly AddressPool[];
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
  return {
    bridge: bridge === 'none' ? undefined : checkedName(bridge),
    bip: flags.bip === undefined ? undefined : bridgeAddress(flags.bip),
    pools: flags.defaultAddressPool?.map(parseAddressPool) ?? defaultAddressPools,
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

function invalid(flag: string, value: string, reason: string): StackError {
  return new StackError('invalid_argument', `invalid --${flag} "${value}": ${reason}`);
}
