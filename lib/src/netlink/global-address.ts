/** Addresses of either family as the kernel describes them: to take those of a link along to another namespace. */
import { bytesAttribute, parseAttributes } from './attribute.ts';
import { NLM_F_CREATE, NLM_F_EXCL, type NetlinkMessage, type NetlinkRequest } from './message.ts';

const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_FLAGS = 8;
const IFA_F_PERMANENT = 0x80;
const RT_SCOPE_UNIVERSE = 0;

/** struct ifaddrmsg: family, prefix length, flags, scope, index. */
const ifaddrmsgBytes = 8;
const kept = [IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST] as const;

export interface GlobalAddress {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  readonly prefixLength: number;
  /** Index of its link. */
  readonly link: number;
  /** Payloads of IFA_ADDRESS, IFA_LOCAL and IFA_BROADCAST by type. */
  readonly parts: ReadonlyMap<number, Buffer>;
}

/** A dump of the addresses of all links. */
export function listAllAddresses(): NetlinkRequest {
  const payload = Buffer.alloc(ifaddrmsgBytes);
  return { type: RTM_GETADDR, payload, operation: 'list addresses', subject: '' };
}

/** An address that somebody has set for good and that means something beyond its link; undefined for any other. */
export function parseGlobalAddress({ payload }: NetlinkMessage): GlobalAddress | undefined {
  const attributes = parseAttributes(payload.subarray(ifaddrmsgBytes));
  const flags = attributes.get(IFA_FLAGS)?.readUInt32LE(0) ?? payload.readUInt8(2);
  const scope = payload.readUInt8(3);
  if ((flags & IFA_F_PERMANENT) === 0 || scope !== RT_SCOPE_UNIVERSE) return undefined;
  const parts = kept.flatMap((type) => {
    const part = attributes.get(type);
    return part ? [[type, part] as const] : [];
  });
  return {
    family: payload.readUInt8(0),
    prefixLength: payload.readUInt8(1),
    link: payload.readUInt32LE(4),
    parts: new Map(parts),
  };
}

/** The same address for the link with number `link`. */
export function addGlobalAddress(
  { family, prefixLength, parts }: GlobalAddress,
  link: number,
): NetlinkRequest {
  const header = Buffer.alloc(ifaddrmsgBytes);
  header.writeUInt8(family, 0);
  header.writeUInt8(prefixLength, 1);
  header.writeUInt32LE(link, 4);
  return {
    type: RTM_NEWADDR,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    payload: Buffer.concat([
      header,
      ...[...parts].map(([type, bytes]) => bytesAttribute(type, bytes)),
    ]),
    operation: 'add address',
    subject: `of link number ${link}`,
  };
}
