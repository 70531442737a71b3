/** The kernel's table of connections (ctnetlink): finding entries by one end of theirs, and deleting them. */
import {
  be32Attribute,
  bytesAttribute,
  nestedAttribute,
  parseAttributes,
  u32Attribute,
} from '#lib/netlink/attribute';
import type { NetlinkConnection } from '#lib/netlink/connection';
import type { NetlinkRequest } from '#lib/netlink/message';
import { isStackError } from '#spec/errors';
import { portBytes, transportProtocols } from './expression.ts';
import { nfgenmsg, nfgenmsgBytes } from './message.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;

const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_ID = 12;
const CTA_ZONE = 18;
const CTA_FILTER = 25;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_FILTER_REPLY_FLAGS = 2;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_DST_PORT = 3;
/** CTA_IP_V4_SRC and so on, by the length of the address. */
const ipAttributes = {
  4: { source: 1, destination: 2 },
  16: { source: 3, destination: 4 },
} as const;
const AF_INET = 2;
const AF_INET6 = 10;

/** What a filter compares, CTA_FILTER_F_… of the kernel's source. */
const compares = { source: 1 << 0, destination: 1 << 1, protocol: 1 << 3, destinationPort: 1 << 5 };

/** Entries of one family, which all that is given must fit. Addresses are 4 or 16 bytes. */
export interface ConnectionFilter {
  readonly family: 'ip' | 'ip6';
  /** Of the first packet, or of the answers to it. */
  readonly direction: 'original' | 'reply';
  readonly source?: Buffer;
  readonly destination?: Buffer;
  readonly protocol?: keyof typeof transportProtocols;
  /** Needs a protocol. */
  readonly destinationPort?: number;
}

/** Deletes all entries that fit; packets that follow are looked at anew. Returns how many there were. */
export function deleteConnections(connection: NetlinkConnection, filter: ConnectionFilter): number {
  const family = filter.family === 'ip' ? AF_INET : AF_INET6;
  const found = connection.dump(dumpRequest(family, filter));
  for (const { payload } of found) {
    try {
      connection.execute([deletion(family, payload.subarray(nfgenmsgBytes))]);
    } catch (error) {
      if (!isStackError(error, 'not_found')) throw error; // it ended by itself
    }
  }
  return found.length;
}

function dumpRequest(family: number, filter: ConnectionFilter): NetlinkRequest {
  const { direction, source, destination, protocol, destinationPort } = filter;
  const isOriginal = direction === 'original';
  const addresses = (['source', 'destination'] as const).flatMap((end) => {
    const address = filter[end];
    const types = ipAttributes[address?.length === 16 ? 16 : 4];
    return address ? [bytesAttribute(types[end], address)] : [];
  });
  const flags =
    (source ? compares.source : 0) |
    (destination ? compares.destination : 0) |
    (protocol === undefined ? 0 : compares.protocol) |
    (destinationPort === undefined ? 0 : compares.destinationPort);
  const tuple = [
    ...(addresses.length > 0 ? [nestedAttribute(CTA_TUPLE_IP, ...addresses)] : []),
    ...(protocol === undefined
      ? []
      : [
          nestedAttribute(
            CTA_TUPLE_PROTO,
            bytesAttribute(CTA_PROTO_NUM, Buffer.from([transportProtocols[protocol]])),
            ...(destinationPort === undefined
              ? []
              : [bytesAttribute(CTA_PROTO_DST_PORT, portBytes(destinationPort))]),
          ),
        ]),
  ];
  return {
    type: message(IPCTNL_MSG_CT_GET),
    payload: Buffer.concat([
      nfgenmsg(family),
      nestedAttribute(isOriginal ? CTA_TUPLE_ORIG : CTA_TUPLE_REPLY, ...tuple),
      nestedAttribute(
        CTA_FILTER,
        u32Attribute(CTA_FILTER_ORIG_FLAGS, isOriginal ? flags : 0),
        u32Attribute(CTA_FILTER_REPLY_FLAGS, isOriginal ? 0 : flags),
      ),
    ]),
    operation: 'list connections',
    subject: filter.family,
  };
}

/** The id keeps a newer entry of the same ends from being taken for this one. */
function deletion(family: number, entry: Buffer): NetlinkRequest {
  const attributes = parseAttributes(entry);
  const tuple = attributes.get(CTA_TUPLE_ORIG) ?? Buffer.alloc(0);
  const zone = attributes.get(CTA_ZONE);
  return {
    type: message(IPCTNL_MSG_CT_DELETE),
    payload: Buffer.concat([
      nfgenmsg(family),
      nestedAttribute(CTA_TUPLE_ORIG, tuple),
      be32Attribute(CTA_ID, attributes.get(CTA_ID)?.readUInt32BE(0) ?? 0),
      ...(zone ? [bytesAttribute(CTA_ZONE, zone)] : []),
    ]),
    operation: 'delete connection',
    subject: '',
  };
}

function message(number: number): number {
  return (NFNL_SUBSYS_CTNETLINK << 8) | number;
}
