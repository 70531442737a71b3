/**
 * Expressions: the instructions that a rule consists of. Each function is one phrase of nft's language and
 * returns the instructions it stands for; a rule is the list of its phrases.
 */
import {
  be32Attribute,
  be64Attribute,
  bytesAttribute,
  nestedAttribute,
  textAttribute,
} from '#lib/netlink/attribute';
import * as nfta from './attributes.ts';

/** Instructions, ready to be put into NFTA_RULE_EXPRESSIONS. */
export type Phrase = readonly Buffer[];

/** Registers: the verdict, and 16-byte data registers. */
const NFT_REG_VERDICT = 0;
const NFT_REG_1 = 1;
const NFT_REG_2 = 2;
/** The same memory in pieces of 4 bytes: NFT_REG32_00 begins NFT_REG_1. An interface name fills four. */
const NFT_REG32_00 = 8;

/** Properties of a packet's way through the machine. */
export const metaKeys = { iifname: 6, oifname: 7, l4proto: 16 } as const;
const ctKeys = { state: 0, status: 2 } as const;
const NFT_PAYLOAD_NETWORK_HEADER = 1;
const NFT_PAYLOAD_TRANSPORT_HEADER = 2;
const NFT_NAT_DNAT = 1;
const NFT_FIB_RESULT_ADDRTYPE = 3;
const NFTA_FIB_F_DADDR = 2;
const RTN_LOCAL = 2;
const AF_INET = 2;
const NFT_CMP_EQ = 0;
const NFT_CMP_NEQ = 1;
const NFT_LOOKUP_F_INV = 1;

const NF_DROP = 0;
const NF_ACCEPT = 1;

/** Numbers of IP protocols. */
export const transportProtocols = { tcp: 6, udp: 17, sctp: 132 } as const;

/** Bits of `ct state`. */
export const ctStates = { invalid: 1, established: 2, related: 4, new: 8 } as const;
/** Bits of `ct status`. */
const IPS_DST_NAT = 1 << 5;

const ifnameBytes = 16;

/** `iifname "x"` or `oifname "x"`. */
export function interfaceIs(key: 'iifname' | 'oifname', name: string): Phrase {
  return [loadMeta(key, NFT_REG_1), compare(NFT_CMP_EQ, ifname(name))];
}

/** `iifname @set`, `oifname != @set`. */
export function interfaceIn(
  key: 'iifname' | 'oifname',
  set: string,
  { inverted = false } = {},
): Phrase {
  return [loadMeta(key, NFT_REG_1), lookup(set, inverted)];
}

/** `iifname . oifname @set`. */
export function interfacePairIn(set: string): Phrase {
  return [
    loadMeta('iifname', NFT_REG32_00),
    loadMeta('oifname', NFT_REG32_00 + ifnameBytes / 4),
    lookup(set, false),
  ];
}

/** `ip saddr @set` or `ip daddr @set`. */
export function addressIn(field: 'saddr' | 'daddr', set: string): Phrase {
  return [
    loadPayload(NFT_PAYLOAD_NETWORK_HEADER, field === 'saddr' ? 12 : 16, 4),
    lookup(set, false),
  ];
}

/** `ip daddr 127.0.0.11`. */
export function destinationIs(address: Buffer): Phrase {
  return [loadPayload(NFT_PAYLOAD_NETWORK_HEADER, 16, 4), compare(NFT_CMP_EQ, address)];
}

/** `meta l4proto tcp`. */
export function protocolIs(protocol: keyof typeof transportProtocols): Phrase {
  const number = Buffer.from([transportProtocols[protocol]]);
  return [loadMeta('l4proto', NFT_REG_1), compare(NFT_CMP_EQ, number)];
}

/** `th dport 53`; behind {@link protocolIs}. */
export function destinationPortIs(port: number): Phrase {
  return [loadPayload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2), compare(NFT_CMP_EQ, portBytes(port))];
}

/** `dnat to ADDRESS:PORT`. */
export function destinationNat(address: Buffer, port: number): Phrase {
  return [
    immediate(NFT_REG_1, address),
    immediate(NFT_REG_2, portBytes(port)),
    natTo(NFT_REG_1, NFT_REG_2),
  ];
}

/** `fib daddr type local`: the destination is an address of this machine. */
export function destinationIsLocal(): Phrase {
  const local = Buffer.alloc(4);
  local.writeUInt32LE(RTN_LOCAL); // in the machine's order, as the kernel's own numbers
  return [
    expression(
      'fib',
      be32Attribute(nfta.NFTA_FIB_DREG, NFT_REG_1),
      be32Attribute(nfta.NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE),
      be32Attribute(nfta.NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR),
    ),
    compare(NFT_CMP_EQ, local),
  ];
}

/** `ip daddr != 127.0.0.0/8`. */
export function destinationIsNotLoopback(): Phrase {
  // A prefix of whole bytes is compared by loading no more of the address.
  return [loadPayload(NFT_PAYLOAD_NETWORK_HEADER, 16, 1), compare(NFT_CMP_NEQ, Buffer.from([127]))];
}

/**
 * `dnat to meta l4proto . th dport map @set`, with `ip daddr` before it where `byAddress` is set. A packet that has no
 * element goes on to the next rule.
 */
export function destinationNatByMap(map: string, { byAddress }: { byAddress: boolean }): Phrase {
  const first = byAddress ? 1 : 0;
  const address = NFT_REG32_00 + 4;
  return [
    ...(byAddress ? [loadPayload(NFT_PAYLOAD_NETWORK_HEADER, 16, 4, NFT_REG32_00)] : []),
    loadMeta('l4proto', NFT_REG32_00 + first),
    loadPayload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG32_00 + first + 1),
    expression(
      'lookup',
      textAttribute(nfta.NFTA_LOOKUP_SET, map),
      be32Attribute(nfta.NFTA_LOOKUP_SREG, NFT_REG32_00),
      be32Attribute(nfta.NFTA_LOOKUP_DREG, address),
    ),
    natTo(address, address + 1),
  ];
}

/** `ct state established,related`. */
export function connectionState(...states: readonly (keyof typeof ctStates)[]): Phrase {
  return connectionBits(
    'state',
    states.reduce((bits, state) => bits | ctStates[state], 0),
  );
}

/** `ct status dnat`: the connection came through a published port. */
export function connectionIsPublished(): Phrase {
  return connectionBits('status', IPS_DST_NAT);
}

/** Counts packets and bytes that reach it. */
export function counter(): Phrase {
  return [
    expression(
      'counter',
      be64Attribute(nfta.NFTA_COUNTER_BYTES, 0n),
      be64Attribute(nfta.NFTA_COUNTER_PACKETS, 0n),
    ),
  ];
}

/** `accept` or `drop`. */
export function verdict(code: 'accept' | 'drop'): Phrase {
  return [
    expression(
      'immediate',
      be32Attribute(nfta.NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT),
      nestedAttribute(
        nfta.NFTA_IMMEDIATE_DATA,
        nestedAttribute(
          nfta.NFTA_DATA_VERDICT,
          be32Attribute(nfta.NFTA_VERDICT_CODE, code === 'accept' ? NF_ACCEPT : NF_DROP),
        ),
      ),
    ),
  ];
}

/** `masquerade`: the source becomes the address of the link the packet leaves by. */
export function masquerade(): Phrase {
  return [expression('masq')];
}

/** An interface name as sets and comparisons hold it. */
export function ifname(name: string): Buffer {
  const bytes = Buffer.alloc(ifnameBytes);
  bytes.write(name, 0, ifnameBytes - 1);
  return bytes;
}

function connectionBits(key: keyof typeof ctKeys, bits: number): Phrase {
  const mask = Buffer.alloc(4);
  mask.writeUInt32LE(bits); // conntrack loads its numbers in the machine's order
  return [
    expression(
      'ct',
      be32Attribute(nfta.NFTA_CT_DREG, NFT_REG_1),
      be32Attribute(nfta.NFTA_CT_KEY, ctKeys[key]),
    ),
    expression(
      'bitwise',
      be32Attribute(nfta.NFTA_BITWISE_SREG, NFT_REG_1),
      be32Attribute(nfta.NFTA_BITWISE_DREG, NFT_REG_1),
      be32Attribute(nfta.NFTA_BITWISE_LEN, 4),
      dataValue(nfta.NFTA_BITWISE_MASK, mask),
      dataValue(nfta.NFTA_BITWISE_XOR, Buffer.alloc(4)),
    ),
    compare(NFT_CMP_NEQ, Buffer.alloc(4)),
  ];
}

function natTo(addressRegister: number, portRegister: number): Buffer {
  return expression(
    'nat',
    be32Attribute(nfta.NFTA_NAT_TYPE, NFT_NAT_DNAT),
    be32Attribute(nfta.NFTA_NAT_FAMILY, AF_INET),
    be32Attribute(nfta.NFTA_NAT_REG_ADDR_MIN, addressRegister),
    be32Attribute(nfta.NFTA_NAT_REG_PROTO_MIN, portRegister),
  );
}

function loadPayload(base: number, offset: number, length: number, register = NFT_REG_1): Buffer {
  return expression(
    'payload',
    be32Attribute(nfta.NFTA_PAYLOAD_DREG, register),
    be32Attribute(nfta.NFTA_PAYLOAD_BASE, base),
    be32Attribute(nfta.NFTA_PAYLOAD_OFFSET, offset),
    be32Attribute(nfta.NFTA_PAYLOAD_LEN, length),
  );
}

function immediate(register: number, value: Buffer): Buffer {
  return expression(
    'immediate',
    be32Attribute(nfta.NFTA_IMMEDIATE_DREG, register),
    dataValue(nfta.NFTA_IMMEDIATE_DATA, value),
  );
}

/** A port as packets, sets and comparisons hold it. */
export function portBytes(port: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(port);
  return bytes;
}

function loadMeta(key: keyof typeof metaKeys, register: number): Buffer {
  return expression(
    'meta',
    be32Attribute(nfta.NFTA_META_DREG, register),
    be32Attribute(nfta.NFTA_META_KEY, metaKeys[key]),
  );
}

function compare(operator: number, value: Buffer): Buffer {
  return expression(
    'cmp',
    be32Attribute(nfta.NFTA_CMP_SREG, NFT_REG_1),
    be32Attribute(nfta.NFTA_CMP_OP, operator),
    dataValue(nfta.NFTA_CMP_DATA, value),
  );
}

function lookup(set: string, inverted: boolean): Buffer {
  return expression(
    'lookup',
    textAttribute(nfta.NFTA_LOOKUP_SET, set),
    be32Attribute(nfta.NFTA_LOOKUP_SREG, NFT_REG_1),
    be32Attribute(nfta.NFTA_LOOKUP_FLAGS, inverted ? NFT_LOOKUP_F_INV : 0),
  );
}

function dataValue(type: number, value: Buffer): Buffer {
  return nestedAttribute(type, bytesAttribute(nfta.NFTA_DATA_VALUE, value));
}

function expression(name: string, ...data: readonly Buffer[]): Buffer {
  return nestedAttribute(
    nfta.NFTA_LIST_ELEM,
    textAttribute(nfta.NFTA_EXPR_NAME, name),
    nestedAttribute(nfta.NFTA_EXPR_DATA, ...data),
  );
}
