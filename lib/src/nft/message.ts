/** Message types of nf_tables and the batch that makes a transaction of several messages (nfnetlink). */
import type { NetlinkRequest } from '#lib/netlink/message';

const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;

/** struct nfgenmsg: family, version, resource id. */
export const nfgenmsgBytes = 4;

/** Families by nft's names, as NFPROTO_… numbers. */
export const families = { inet: 1, ip: 2, ip6: 10 } as const;
export type Family = keyof typeof families;

export const messageTypes = {
  newTable: message(0),
  deleteTable: message(2),
  newChain: message(3),
  getChain: message(4),
  newRule: message(6),
  getRule: message(7),
  deleteRule: message(8),
  newSet: message(9),
  newSetElement: message(12),
  deleteSetElement: message(14),
} as const;

/** The fixed header of every nf_tables message. */
export function nfgenmsg(family: number, resource = 0): Buffer {
  const header = Buffer.alloc(nfgenmsgBytes);
  header.writeUInt8(family, 0);
  header.writeUInt16BE(resource, 2);
  return header;
}

/** The frame of a transaction. A failed commit is answered with the number of the `begin` message. */
export function batchMessage(edge: 'begin' | 'end'): NetlinkRequest {
  return {
    type: edge === 'begin' ? NFNL_MSG_BATCH_BEGIN : NFNL_MSG_BATCH_END,
    payload: nfgenmsg(0, NFNL_SUBSYS_NFTABLES),
    operation: 'commit nft transaction',
    subject: '',
  };
}

function message(number: number): number {
  return (NFNL_SUBSYS_NFTABLES << 8) | number;
}
