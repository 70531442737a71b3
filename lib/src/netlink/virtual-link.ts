/** rtnetlink requests for links on top of others (macvlan, ipvlan, VLANs), for links to nowhere, and ports of bridges. */
import { bytesAttribute, nestedAttribute, textAttribute, u32Attribute } from './attribute.ts';
import {
  IFLA_IFNAME,
  IFLA_INFO_DATA,
  IFLA_INFO_KIND,
  IFLA_LINKINFO,
  IFLA_MTU,
  IFLA_NET_NS_FD,
  ifinfomsg,
  macAttribute,
  RTM_NEWLINK,
} from './link.ts';
import { NLM_F_CREATE, NLM_F_EXCL, type NetlinkRequest } from './message.ts';

const IFLA_LINK = 5;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_INFO_SLAVE_DATA = 5;
const IFLA_BRPORT_ISOLATED = 33;
const IFLA_MACVLAN_MODE = 1;
const IFLA_IPVLAN_MODE = 1;
const IFLA_IPVLAN_FLAGS = 2;
const IFLA_VLAN_ID = 1;

/** How macvlan links of one parent reach each other (linux/if_link.h, MACVLAN_MODE_…). */
export const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
/** At which layer ipvlan links are switched, IPVLAN_MODE_…. */
export const ipvlanModes = { l2: 0, l3: 1, l3s: 2 } as const;
/** Whether ipvlan links of one parent reach each other, IPVLAN_F_…. */
export const ipvlanFlags = { bridge: 0, private: 1, vepa: 2 } as const;

/** What a link on top of another one is like. */
export type StackedKind =
  | { readonly kind: 'macvlan'; readonly mode: keyof typeof macvlanModes; readonly mac?: string }
  | {
      readonly kind: 'ipvlan';
      readonly mode: keyof typeof ipvlanModes;
      readonly flag: keyof typeof ipvlanFlags;
    };

export interface StackedLink {
  readonly name: string;
  /** Index of the link below, in the caller's namespace. */
  readonly parent: number;
  readonly mtu: number;
  readonly how: StackedKind;
  /** Where it is made. */
  readonly namespaceFd: number;
}

/** A new macvlan or ipvlan link. Fails with EOPNOTSUPP where the kernel has no such links. */
export function createStacked(link: StackedLink): NetlinkRequest {
  const { name, parent, mtu, how, namespaceFd } = link;
  const data =
    how.kind === 'macvlan'
      ? [u32Attribute(IFLA_MACVLAN_MODE, macvlanModes[how.mode])]
      : [
          u16Attribute(IFLA_IPVLAN_MODE, ipvlanModes[how.mode]),
          u16Attribute(IFLA_IPVLAN_FLAGS, ipvlanFlags[how.flag]),
        ];
  return newLink(how.kind, name, [
    u32Attribute(IFLA_LINK, parent),
    u32Attribute(IFLA_MTU, mtu),
    u32Attribute(IFLA_NET_NS_FD, namespaceFd),
    ...(how.kind === 'macvlan' && how.mac !== undefined ? [macAttribute(how.mac)] : []),
    linkInfo(how.kind, data),
  ]);
}

/** A new link of VLAN `id` on the link with index `parent`. */
export function createVlan(name: string, parent: number, id: number): NetlinkRequest {
  return newLink('vlan', name, [
    u32Attribute(IFLA_LINK, parent),
    linkInfo('vlan', [u16Attribute(IFLA_VLAN_ID, id)]),
  ]);
}

/** A new link whose packets go nowhere; `ifb` is one as well while nobody redirects packets to it. */
export function createSink(name: string, kind: 'dummy' | 'ifb'): NetlinkRequest {
  return newLink(kind, name, [linkInfo(kind, [])]);
}

/** Keeps a port of a bridge from exchanging packets with the bridge's other isolated ports. */
export function isolatePort(name: string): NetlinkRequest {
  return {
    type: RTM_NEWLINK,
    payload: Buffer.concat([
      ifinfomsg({}),
      textAttribute(IFLA_IFNAME, name),
      nestedAttribute(
        IFLA_LINKINFO,
        textAttribute(IFLA_INFO_SLAVE_KIND, 'bridge'),
        nestedAttribute(
          IFLA_INFO_SLAVE_DATA,
          bytesAttribute(IFLA_BRPORT_ISOLATED, Buffer.from([1])),
        ),
      ),
    ]),
    operation: 'isolate bridge port',
    subject: `"${name}"`,
  };
}

function newLink(kind: string, name: string, attributes: readonly Buffer[]): NetlinkRequest {
  return {
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    payload: Buffer.concat([ifinfomsg({}), textAttribute(IFLA_IFNAME, name), ...attributes]),
    operation: `create ${kind} link`,
    subject: `"${name}"`,
  };
}

function linkInfo(kind: string, data: readonly Buffer[]): Buffer {
  return nestedAttribute(
    IFLA_LINKINFO,
    textAttribute(IFLA_INFO_KIND, kind),
    ...(data.length > 0 ? [nestedAttribute(IFLA_INFO_DATA, ...data)] : []),
  );
}

function u16Attribute(type: number, value: number): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16LE(value);
  return bytesAttribute(type, payload);
}
