/**
 * Expressions: the instructions that a rule consists of. Each function is one phrase of nft's language and
 * returns the instructions it stands for; a rule is the list of its phrases.
 */
import { be32Attribute, be64Attribute, nestedAttribute } from '#lib/netlink/attribute';
import * as nfta from './attributes.ts';
import {
  compare,
  dataValue,
  expression,
  loadMeta,
  loadPayload,
  lookup,
  NFT_CMP_EQ,
  NFT_CMP_NEQ,
  NFT_PAYLOAD_TRANSPORT_HEADER,
  NFT_REG32_00,
  NFT_REG_1,
  NFT_REG_VERDICT,
} from './instruction.ts';

/** Instructions, ready to be put into NFTA_RULE_EXPRESSIONS. */
export type Phrase = readonly Buffer[];

const ctKeys = { state: 0, status: 2 } as const;

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

/** `meta l4proto tcp`. */
export function protocolIs(protocol: keyof typeof transportProtocols): Phrase {
  const number = Buffer.from([transportProtocols[protocol]]);
  return [loadMeta('l4proto', NFT_REG_1), compare(NFT_CMP_EQ, number)];
}

/** `th dport 53`; behind {@link protocolIs}. */
export function destinationPortIs(port: number): Phrase {
  return [loadPayload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2), compare(NFT_CMP_EQ, portBytes(port))];
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

/** An interface name as sets and comparisons hold it. */
export function ifname(name: string): Buffer {
  const bytes = Buffer.alloc(ifnameBytes);
  bytes.write(name, 0, ifnameBytes - 1);
  return bytes;
}

/** A port as packets, sets and comparisons hold it. */
export function portBytes(port: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(port);
  return bytes;
}
