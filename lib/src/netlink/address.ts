/** rtnetlink requests about addresses of links. */
import { bytesAttribute, parseAttributes, textOf } from './attribute.ts';
import { broadcastOf, formatIpv4Prefix, ipv4Bytes, type Ipv4Prefix } from './ipv4.ts';
import { formatIpv6Prefix, ipv6Bytes, ipv6FromBytes, type Ipv6Prefix } from './ipv6.ts';
import { NLM_F_CREATE, NLM_F_EXCL, type NetlinkMessage, type NetlinkRequest } from './message.ts';

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;

const IFA_F_NODAD = 2;
const RT_SCOPE_UNIVERSE = 0;

const AF_INET = 2;
const AF_INET6 = 10;
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

/** An IPv6 address of the link with number `index`. */
export interface LinkIpv6Address {
  readonly index: number;
  readonly prefix: Ipv6Prefix;
}

/** Adds an IPv6 address, usable at once: the engine, which gives them out, knows that nobody else has it. */
export function addIpv6Address(address: LinkIpv6Address): NetlinkRequest {
  return {
    type: RTM_NEWADDR,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    payload: ipv6Payload(address),
    operation: 'add address',
    subject: `${formatIpv6Prefix(address.prefix)} of link number ${address.index}`,
  };
}

/** Removes an IPv6 address. */
export function removeIpv6Address(address: LinkIpv6Address): NetlinkRequest {
  return {
    type: RTM_DELADDR,
    payload: ipv6Payload(address),
    operation: 'remove address',
    subject: `${formatIpv6Prefix(address.prefix)} of link number ${address.index}`,
  };
}

/** A dump of all IPv6 addresses. */
export function listIpv6Addresses(): NetlinkRequest {
  const payload = Buffer.alloc(ifaddrmsgBytes);
  payload.writeUInt8(AF_INET6, 0);
  return { type: RTM_GETADDR, payload, operation: 'list addresses', subject: 'IPv6' };
}

/** A global IPv6 address from a dump; undefined for one that means something on its link only. */
export function parseIpv6Address({ payload }: NetlinkMessage): LinkIpv6Address | undefined {
  const attributes = parseAttributes(payload.subarray(ifaddrmsgBytes));
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (!bytes || payload.readUInt8(3) !== RT_SCOPE_UNIVERSE) return undefined;
  return {
    index: payload.readUInt32LE(4),
    prefix: { address: ipv6FromBytes(bytes), length: payload.readUInt8(1) },
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

function ipv6Payload({ index, prefix }: LinkIpv6Address): Buffer {
  const header = Buffer.alloc(ifaddrmsgBytes);
  header.writeUInt8(AF_INET6, 0);
  header.writeUInt8(prefix.length, 1);
  header.writeUInt8(IFA_F_NODAD, 2);
  header.writeUInt32LE(index, 4);
  return Buffer.concat([header, bytesAttribute(IFA_LOCAL, ipv6Bytes(prefix.address))]);
}

function subjectOf({ index, prefix }: LinkAddress): string {
  return `${formatIpv4Prefix(prefix)} of link number ${index}`;
}
