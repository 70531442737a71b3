/** rtnetlink requests about routes. */
import { bytesAttribute, parseAttributes, u32Attribute } from './attribute.ts';
import { formatIpv4, ipv4Bytes, type Ipv4Prefix } from './ipv4.ts';
import { formatIpv6, ipv6Bytes, ipv6FromBytes, type Ipv6Prefix } from './ipv6.ts';
import { NLM_F_CREATE, NLM_F_EXCL, type NetlinkMessage, type NetlinkRequest } from './message.ts';

const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;

const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_TABLE = 15;

const AF_INET = 2;
const AF_INET6 = 10;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RTN_UNICAST = 1;
const rtmsgBytes = 12;

/** A route of the main table. */
export interface Route {
  /** Length 0 for the default route. */
  readonly destination: Ipv4Prefix;
  /** Number of the link that packets leave by. */
  readonly link: number | undefined;
}

/** The default route through `gateway` (a bigint is an IPv6 address), which a link with an address of its network reaches. */
export function addDefaultRoute(gateway: number | bigint): NetlinkRequest {
  const isIpv6 = typeof gateway === 'bigint';
  const bytes = isIpv6 ? ipv6Bytes(gateway) : ipv4Bytes(gateway);
  return {
    type: RTM_NEWROUTE,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    payload: Buffer.concat([
      newRoute(isIpv6 ? AF_INET6 : AF_INET, RT_SCOPE_UNIVERSE),
      bytesAttribute(RTA_GATEWAY, bytes),
    ]),
    operation: 'add default route',
    subject: `via ${isIpv6 ? formatIpv6(gateway) : formatIpv4(gateway)}`,
  };
}

/** The default route by the link with number `index` itself, for links whose parent routes (ipvlan l3). */
export function addDefaultRouteByLink(index: number, family: 'ipv4' | 'ipv6'): NetlinkRequest {
  return {
    type: RTM_NEWROUTE,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    payload: Buffer.concat([
      newRoute(family === 'ipv6' ? AF_INET6 : AF_INET, RT_SCOPE_LINK),
      u32Attribute(RTA_OIF, index),
    ]),
    operation: 'add default route',
    subject: `by link number ${index}`,
  };
}

/** A dump of all IPv4 routes, of every table; parse it by {@link parseMainRoute}. */
export function listRoutes(): NetlinkRequest {
  return { type: RTM_GETROUTE, payload: rtmsg(), operation: 'list routes', subject: '' };
}

/** A unicast route of the main table from a dump, undefined for any other. */
export function parseMainRoute({ payload }: NetlinkMessage): Route | undefined {
  const attributes = parseAttributes(payload.subarray(rtmsgBytes));
  const table = attributes.get(RTA_TABLE)?.readUInt32LE(0) ?? payload.readUInt8(4);
  if (table !== RT_TABLE_MAIN || payload.readUInt8(7) !== RTN_UNICAST) return undefined;
  return {
    destination: {
      address: attributes.get(RTA_DST)?.readUInt32BE(0) ?? 0,
      length: payload.readUInt8(1),
    },
    link: attributes.get(RTA_OIF)?.readUInt32LE(0),
  };
}

/** A dump of all IPv6 routes, of every table; parse it by {@link parseMainIpv6Route}. */
export function listIpv6Routes(): NetlinkRequest {
  return {
    type: RTM_GETROUTE,
    payload: rtmsg(AF_INET6),
    operation: 'list routes',
    subject: 'IPv6',
  };
}

/** Where a unicast route of the main table leads, undefined for any other route. */
export function parseMainIpv6Route({ payload }: NetlinkMessage): Ipv6Prefix | undefined {
  const attributes = parseAttributes(payload.subarray(rtmsgBytes));
  const table = attributes.get(RTA_TABLE)?.readUInt32LE(0) ?? payload.readUInt8(4);
  if (table !== RT_TABLE_MAIN || payload.readUInt8(7) !== RTN_UNICAST) return undefined;
  const bytes = attributes.get(RTA_DST);
  return { address: bytes ? ipv6FromBytes(bytes) : 0n, length: payload.readUInt8(1) };
}

function newRoute(family: number, scope: number): Buffer {
  const header = rtmsg(family);
  header.writeUInt8(RTPROT_BOOT, 5);
  header.writeUInt8(scope, 6);
  header.writeUInt8(RTN_UNICAST, 7);
  return header;
}

/** struct rtmsg: family, destination and source lengths, tos, table, protocol, scope, type, flags. */
function rtmsg(family = AF_INET): Buffer {
  const header = Buffer.alloc(rtmsgBytes);
  header.writeUInt8(family, 0);
  header.writeUInt8(RT_TABLE_MAIN, 4);
  return header;
}
