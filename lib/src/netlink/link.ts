/** rtnetlink requests about links (network interfaces), and the links it lists. */
import {
  bytesAttribute,
  nestedAttribute,
  parseAttributes,
  textAttribute,
  textOf,
  u32Attribute,
} from './attribute.ts';
import { NLM_F_CREATE, NLM_F_EXCL, type NetlinkMessage, type NetlinkRequest } from './message.ts';

export const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;

const IFLA_ADDRESS = 1;
export const IFLA_IFNAME = 3;
export const IFLA_MTU = 4;
const IFLA_MASTER = 10;
export const IFLA_LINKINFO = 18;
const IFLA_IFALIAS = 20;
export const IFLA_NET_NS_FD = 28;
export const IFLA_INFO_KIND = 1;
export const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;

const IFF_UP = 1;
const ifinfomsgBytes = 16;

/** A link as the kernel lists it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** `02:42:ac:1e:00:02`; empty for links without one. */
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  /** `bridge`, `veth`, …; undefined for hardware and loopback. */
  readonly kind: string | undefined;
  /** Index of the bridge that it is a port of. */
  readonly master: number | undefined;
  /** Free text for administrators. */
  readonly alias: string | undefined;
}

export interface BridgeLink {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
}

/** A new bridge, up. Fails with already_exists when the name is taken. */
export function createBridge({ name, mac, mtu }: BridgeLink): NetlinkRequest {
  return {
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    payload: Buffer.concat([
      ifinfomsg({ up: true }),
      textAttribute(IFLA_IFNAME, name),
      macAttribute(mac),
      u32Attribute(IFLA_MTU, mtu),
      nestedAttribute(IFLA_LINKINFO, textAttribute(IFLA_INFO_KIND, 'bridge')),
    ]),
    operation: 'create bridge',
    subject: `"${name}"`,
  };
}

export interface VethPair {
  readonly name: string;
  /** Index of the bridge that the near end becomes a port of. */
  readonly master: number;
  readonly mtu: number;
  /** The far end, made directly in the network namespace that `namespaceFd` refers to. */
  readonly peer: { readonly name: string; readonly mac: string; readonly namespaceFd: number };
}

/** A new veth pair, the near end up. The far end cannot be brought up before it has a peer (ENOTCONN). */
export function createVeth({ name, master, mtu, peer }: VethPair): NetlinkRequest {
  const far = Buffer.concat([
    ifinfomsg({}),
    textAttribute(IFLA_IFNAME, peer.name),
    macAttribute(peer.mac),
    u32Attribute(IFLA_MTU, mtu),
    u32Attribute(IFLA_NET_NS_FD, peer.namespaceFd),
  ]);
  return {
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    payload: Buffer.concat([
      ifinfomsg({ up: true }),
      textAttribute(IFLA_IFNAME, name),
      u32Attribute(IFLA_MTU, mtu),
      u32Attribute(IFLA_MASTER, master),
      nestedAttribute(
        IFLA_LINKINFO,
        textAttribute(IFLA_INFO_KIND, 'veth'),
        nestedAttribute(IFLA_INFO_DATA, bytesAttribute(VETH_INFO_PEER, far)),
      ),
    ]),
    operation: 'create veth pair',
    subject: `"${name}"`,
  };
}

/** What can be changed of a link that exists. */
export interface LinkChange {
  readonly up?: boolean;
  readonly mac?: string;
  readonly mtu?: number;
  readonly name?: string;
  /** Free text, up to 255 bytes. */
  readonly alias?: string;
  /** Index of a bridge, 0 to leave it. */
  readonly master?: number;
}

/** Changes the link with this index. */
export function changeLink(index: number, change: LinkChange): NetlinkRequest {
  const attributes = [ifinfomsg({ index, ...(change.up !== undefined && { up: change.up }) })];
  if (change.name !== undefined) attributes.push(textAttribute(IFLA_IFNAME, change.name));
  if (change.alias !== undefined) {
    attributes.push(bytesAttribute(IFLA_IFALIAS, Buffer.from(change.alias)));
  }
  if (change.mac !== undefined) attributes.push(macAttribute(change.mac));
  if (change.mtu !== undefined) attributes.push(u32Attribute(IFLA_MTU, change.mtu));
  if (change.master !== undefined) attributes.push(u32Attribute(IFLA_MASTER, change.master));
  return {
    type: RTM_SETLINK,
    payload: Buffer.concat(attributes),
    operation: 'change link',
    subject: `number ${index}: ${Object.keys(change).join(', ')}`,
  };
}

/**
 * Moves the link with this index to the network namespace that `namespaceFd` refers to, under `name`. The kernel brings
 * it down and takes its addresses and routes away. Fails with already_exists where the name is taken.
 */
export function moveLink(index: number, name: string, namespaceFd: number): NetlinkRequest {
  return {
    type: RTM_SETLINK,
    payload: Buffer.concat([
      ifinfomsg({ index }),
      textAttribute(IFLA_IFNAME, name),
      u32Attribute(IFLA_NET_NS_FD, namespaceFd),
    ]),
    operation: 'move link',
    subject: `number ${index} as "${name}"`,
  };
}

/** Deletes a link by name, a veth pair with both ends. Waits for RCU: some 10 ms. */
export function deleteLink(name: string): NetlinkRequest {
  return {
    type: RTM_DELLINK,
    payload: Buffer.concat([ifinfomsg({}), textAttribute(IFLA_IFNAME, name)]),
    operation: 'delete link',
    subject: `"${name}"`,
  };
}

/** One link by name; fails with not_found (ENODEV). Parse the answer by {@link parseLink}. */
export function getLink(name: string): NetlinkRequest {
  return {
    type: RTM_GETLINK,
    payload: Buffer.concat([ifinfomsg({}), textAttribute(IFLA_IFNAME, name)]),
    operation: 'find link',
    subject: `"${name}"`,
  };
}

/** A dump of all links. */
export function listLinks(): NetlinkRequest {
  return { type: RTM_GETLINK, payload: ifinfomsg({}), operation: 'list links', subject: '' };
}

/** A link from an answer to {@link getLink} or {@link listLinks}. */
export function parseLink({ payload }: NetlinkMessage): Link {
  const attributes = parseAttributes(payload.subarray(ifinfomsgBytes));
  const info = attributes.get(IFLA_LINKINFO);
  const kind = info && parseAttributes(info).get(IFLA_INFO_KIND);
  const alias = attributes.get(IFLA_IFALIAS);
  return {
    index: payload.readInt32LE(4),
    up: (payload.readUInt32LE(8) & IFF_UP) !== 0,
    name: textOf(attributes.get(IFLA_IFNAME) ?? Buffer.alloc(0)),
    mac: [...(attributes.get(IFLA_ADDRESS) ?? [])]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join(':'),
    mtu: attributes.get(IFLA_MTU)?.readUInt32LE(0) ?? 0,
    kind: kind && textOf(kind),
    master: attributes.get(IFLA_MASTER)?.readUInt32LE(0),
    alias: alias && textOf(alias),
  };
}

/** struct ifinfomsg: family, type, index, flags, mask of the flags to change. */
export function ifinfomsg({ index = 0, up }: { index?: number; up?: boolean }): Buffer {
  const header = Buffer.alloc(ifinfomsgBytes);
  header.writeInt32LE(index, 4);
  if (up !== undefined) {
    header.writeUInt32LE(up ? IFF_UP : 0, 8);
    header.writeUInt32LE(IFF_UP, 12);
  }
  return header;
}

/** A link's own address. */
export function macAttribute(mac: string): Buffer {
  return bytesAttribute(IFLA_ADDRESS, Buffer.from(mac.replaceAll(':', ''), 'hex'));
}
