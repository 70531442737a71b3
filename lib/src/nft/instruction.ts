/** Single instructions of rules, which phrases (expression.ts, nat.ts) consist of, and the registers they work on. */
import {
  be32Attribute,
  bytesAttribute,
  nestedAttribute,
  textAttribute,
} from '#lib/netlink/attribute';
import * as nfta from './attributes.ts';

/** Registers: the verdict, and 16-byte data registers. */
export const NFT_REG_VERDICT = 0;
export const NFT_REG_1 = 1;
export const NFT_REG_2 = 2;
/** The same memory in pieces of 4 bytes: NFT_REG32_00 begins NFT_REG_1. An interface name fills four. */
export const NFT_REG32_00 = 8;

/** Properties of a packet's way through the machine. */
export const metaKeys = { iifname: 6, oifname: 7, l4proto: 16 } as const;
export const NFT_PAYLOAD_NETWORK_HEADER = 1;
export const NFT_PAYLOAD_TRANSPORT_HEADER = 2;
export const NFT_CMP_EQ = 0;
export const NFT_CMP_NEQ = 1;
const NFT_LOOKUP_F_INV = 1;

/** Bytes of the packet, from `base` on, into a register. */
export function loadPayload(
  base: number,
  offset: number,
  length: number,
  register = NFT_REG_1,
): Buffer {
  return expression(
    'payload',
    be32Attribute(nfta.NFTA_PAYLOAD_DREG, register),
    be32Attribute(nfta.NFTA_PAYLOAD_BASE, base),
    be32Attribute(nfta.NFTA_PAYLOAD_OFFSET, offset),
    be32Attribute(nfta.NFTA_PAYLOAD_LEN, length),
  );
}

/** A constant into a register. */
export function immediate(register: number, value: Buffer): Buffer {
  return expression(
    'immediate',
    be32Attribute(nfta.NFTA_IMMEDIATE_DREG, register),
    dataValue(nfta.NFTA_IMMEDIATE_DATA, value),
  );
}

/** A property of the packet's way into a register. */
export function loadMeta(key: keyof typeof metaKeys, register: number): Buffer {
  return expression(
    'meta',
    be32Attribute(nfta.NFTA_META_DREG, register),
    be32Attribute(nfta.NFTA_META_KEY, metaKeys[key]),
  );
}

/** Goes on with the rule only if the first register compares so. */
export function compare(operator: number, value: Buffer): Buffer {
  return expression(
    'cmp',
    be32Attribute(nfta.NFTA_CMP_SREG, NFT_REG_1),
    be32Attribute(nfta.NFTA_CMP_OP, operator),
    dataValue(nfta.NFTA_CMP_DATA, value),
  );
}

/** Goes on with the rule only if the first registers are (or, inverted, are not) in a set. */
export function lookup(set: string, inverted: boolean): Buffer {
  return expression(
    'lookup',
    textAttribute(nfta.NFTA_LOOKUP_SET, set),
    be32Attribute(nfta.NFTA_LOOKUP_SREG, NFT_REG_1),
    be32Attribute(nfta.NFTA_LOOKUP_FLAGS, inverted ? NFT_LOOKUP_F_INV : 0),
  );
}

/** A value as data. */
export function dataValue(type: number, value: Buffer): Buffer {
  return nestedAttribute(type, bytesAttribute(nfta.NFTA_DATA_VALUE, value));
}

/** One instruction with its attributes. */
export function expression(name: string, ...data: readonly Buffer[]): Buffer {
  return nestedAttribute(
    nfta.NFTA_LIST_ELEM,
    textAttribute(nfta.NFTA_EXPR_NAME, name),
    nestedAttribute(nfta.NFTA_EXPR_DATA, ...data),
  );
}
