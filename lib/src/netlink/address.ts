/** rtnetlink requests about IPv4 addresses of links. */
import { bytesAttribute, parseAttributes, textOf } from './attribute.ts';
import { broadcastOf, formatIpv4Prefix, ipv4Bytes, type Ipv4Prefix } from './ipv4.ts';
import { NLM_F_CREATE, NLM_F_EXCL, type NetlinkMessage, type NetlinkRequest } from './message.ts';

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;

const AF_INET = 2;
const ifaddrmsgBytes = 8;

/** An address of the link with number `index`. */
export interface LinkAddress {
  readonly index: number;
  readonly prefix: Ipv4Prefix;
}

/** Adds an address, with its network's broadcast address; fails with already_exists. */
export function addAddress(address: LinkAddress): NetlinkRequest {
  return {
    type: RTM_NEWADDR,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    payload: Buffer.concat([
      addressPayload(address),
      bytesAttribute(IFA_BROADCAST, ipv4Bytes(broadcastOf(address.prefix))),
    ]),
    operation: 'add address',
    subject: subjectOf(address),
  };
}

/** Removes an address. */
export function removeAddress(address: LinkAddress): NetlinkRequest {
  return {
    type: RTM_DELADDR,
    payload: addressPayload(address),
    operation: 'remove address',
    subject: subjectOf(address),
  };
}

/** A dump of all IPv4 addresses. */
export function listAddresses(): NetlinkRequest {
  const payload = Buffer.alloc(ifaddrmsgBytes);
  payload.writeUInt8(AF_INET, 0);
  return { type: RTM_GETADDR, payload, operation: 'list addresses', subject: '' };
}

/** An address from a dump, with the name of its link. */
export function parseAddress({ payload }: NetlinkMessage): LinkAddress & { label: string } {
  const attributes = parseAttributes(payload.subarray(ifaddrmsgBytes));
  // On point-to-point links IFA_ADDRESS is the other end.
  const local = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS) ?? Buffer.alloc(4);
  return {
    index: payload.readUInt32LE(4),
    prefix: { address: local.readUInt32BE(0), length: payload.readUInt8(1) },
    label: textOf(attributes.get(IFA_LABEL) ?? Buffer.alloc(0)),
  };
}

/** struct ifaddrmsg (family, prefix length, flags, scope, index) and the address. */
function addressPayload({ index, prefix }: LinkAddress): Buffer {
  const header = Buffer.alloc(ifaddrmsgBytes);
  header.writeUInt8(AF_INET, 0);
  header.writeUInt8(prefix.length, 1);
  header.writeUInt32LE(index, 4);
  const bytes = ipv4Bytes(prefix.address);
  return Buffer.concat([
    header,
    bytesAttribute(IFA_LOCAL, bytes),
    bytesAttribute(IFA_ADDRESS, bytes),
  ]);
}

function subjectOf({ index, prefix }: LinkAddress): string {
  return `${formatIpv4Prefix(prefix)} of link number ${index}`;
}
