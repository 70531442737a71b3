/** Phrases about addresses: who sent a packet, whom it is for, and giving it others. Those of IPv4 and IPv6 differ in places. */
import { be32Attribute, textAttribute } from '#lib/netlink/attribute';
import * as nfta from './attributes.ts';
import { portBytes, type Phrase } from './expression.ts';
import {
  compare,
  expression,
  immediate,
  loadMeta,
  loadPayload,
  lookup,
  NFT_CMP_EQ,
  NFT_CMP_NEQ,
  NFT_PAYLOAD_NETWORK_HEADER,
  NFT_PAYLOAD_TRANSPORT_HEADER,
  NFT_REG32_00,
  NFT_REG_1,
  NFT_REG_2,
} from './instruction.ts';

/** Where the addresses lie in the network header, and the family's number. */
const layouts = {
  ip: { saddr: 12, daddr: 16, bytes: 4, number: 2 },
  ip6: { saddr: 8, daddr: 24, bytes: 16, number: 10 },
} as const;
/** Families of tables whose packets have addresses at a known place. */
export type AddressFamily = keyof typeof layouts;

const NFT_NAT_DNAT = 1;
const NFT_FIB_RESULT_ADDRTYPE = 3;
const NFTA_FIB_F_DADDR = 2;
const RTN_LOCAL = 2;

/** `ip saddr @set`, `ip6 daddr @set`. */
export function addressIn(field: 'saddr' | 'daddr', set: string, family: AddressFamily): Phrase {
  const { [field]: offset, bytes } = layouts[family];
  return [loadPayload(NFT_PAYLOAD_NETWORK_HEADER, offset, bytes), lookup(set, false)];
}

/** `ip daddr 127.0.0.11`; the number of bytes tells the family. */
export function destinationIs(address: Buffer): Phrase {
  return compareDestination(NFT_CMP_EQ, address, address.length === 4 ? 'ip' : 'ip6');
}

/** `ip daddr != 127.0.0.0/8`, `ip6 daddr != fe80::/16`: a prefix of whole bytes is compared by loading no more. */
export function destinationIsNot(prefix: Buffer, family: AddressFamily): Phrase {
  return compareDestination(NFT_CMP_NEQ, prefix, family);
}

/** `masquerade`: the source becomes the address of the link the packet leaves by. */
export function masquerade(): Phrase {
  return [expression('masq')];
}

/** `dnat to ADDRESS:PORT`. */
export function destinationNat(address: Buffer, port: number): Phrase {
  return [
    immediate(NFT_REG_1, address),
    immediate(NFT_REG_2, portBytes(port)),
    natTo(NFT_REG_1, NFT_REG_2, address.length === 4 ? 'ip' : 'ip6'),
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

/**
 * `dnat to meta l4proto . th dport map @set`, with `ip daddr` before it where `byAddress` is set. A packet that has no
 * element goes on to the next rule.
 */
export function destinationNatByMap(
  map: string,
  { byAddress, family }: { byAddress: boolean; family: AddressFamily },
): Phrase {
  const { daddr, bytes } = layouts[family];
  const first = NFT_REG32_00 + (byAddress ? bytes / 4 : 0);
  const address = NFT_REG32_00 + 8;
  return [
    ...(byAddress ? [loadPayload(NFT_PAYLOAD_NETWORK_HEADER, daddr, bytes, NFT_REG32_00)] : []),
    loadMeta('l4proto', first),
    loadPayload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, first + 1),
    expression(
      'lookup',
      textAttribute(nfta.NFTA_LOOKUP_SET, map),
      be32Attribute(nfta.NFTA_LOOKUP_SREG, NFT_REG32_00),
      be32Attribute(nfta.NFTA_LOOKUP_DREG, address),
    ),
    natTo(address, address + bytes / 4, family),
  ];
}

function compareDestination(operator: number, address: Buffer, family: AddressFamily): Phrase {
  return [
    loadPayload(NFT_PAYLOAD_NETWORK_HEADER, layouts[family].daddr, address.length),
    compare(operator, address),
  ];
}

function natTo(addressRegister: number, portRegister: number, family: AddressFamily): Buffer {
  return expression(
    'nat',
    be32Attribute(nfta.NFTA_NAT_TYPE, NFT_NAT_DNAT),
    be32Attribute(nfta.NFTA_NAT_FAMILY, layouts[family].number),
    be32Attribute(nfta.NFTA_NAT_REG_ADDR_MIN, addressRegister),
    be32Attribute(nfta.NFTA_NAT_REG_PROTO_MIN, portRegister),
  );
}
