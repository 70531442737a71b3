/** rtnetlink requests about IPv4 routes. */
import { bytesAttribute, parseAttributes } from './attribute.ts';
import { formatIpv4, ipv4Bytes, type Ipv4Prefix } from './ipv4.ts';
import { NLM_F_CREATE, NLM_F_EXCL, type NetlinkMessage, type NetlinkRequest } from './message.ts';

const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;

const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_TABLE = 15;

const AF_INET = 2;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RTN_UNICAST = 1;
const rtmsgBytes = 12;

/** A route of the main table. */
export interface Route {
  /** Length 0 for the default route. */
  readonly destination: Ipv4Prefix;
  /** Number of the link that packets leave by. */
  readonly link: number | undefined;
}

/** The default route through `gateway`, which a link with an address of its network reaches. */
export function addDefaultRoute(gateway: number): NetlinkRequest {
  const header = rtmsg();
  header.writeUInt8(RTPROT_BOOT, 5);
  header.writeUInt8(RT_SCOPE_UNIVERSE, 6);
  header.writeUInt8(RTN_UNICAST, 7);
  return {
    type: RTM_NEWROUTE,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    payload: Buffer.concat([header, bytesAttribute(RTA_GATEWAY, ipv4Bytes(gateway))]),
    operation: 'add default route',
    subject: `via ${formatIpv4(gateway)}`,
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

/** struct rtmsg: family, destination and source lengths, tos, table, protocol, scope, type, flags. */
function rtmsg(): Buffer {
  const header = Buffer.alloc(rtmsgBytes);
  header.writeUInt8(AF_INET, 0);
  header.writeUInt8(RT_TABLE_MAIN, 4);
  return header;
}
