/** IPv6 addresses and networks: text and 128-bit numbers. */
import { isIPv6 } from 'node:net';
import { StackError } from '#spec/errors';

/** An address with the length of its network's prefix: `fd00::1/64`. */
export interface Ipv6Prefix {
  /** As an unsigned 128-bit number. */
  readonly address: bigint;
  readonly length: number;
}

/** `fd00::1` as a number. Throws invalid_argument for anything else, zones (`%eth0`) included. */
export function parseIpv6(text: string): bigint {
  if (!isIPv6(text) || text.includes('%')) {
    throw new StackError('invalid_argument', `"${text}" is not an IPv6 address`);
  }
  // The last 32 bits may be written as an IPv4 address.
  const plain = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (...parts) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(1, 5).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = '', tail] = plain.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].reduce(
    (number, group) => (number << 16n) | BigInt(`0x${group}`),
    0n,
  );
}

/** The text of an address as RFC 5952 wants it: lower case, the longest run of zeros as `::`. */
export function formatIpv6(address: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number((address >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(':');
  const end = best.start + best.length;
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(end).join(':')}`;
}

/** The sixteen bytes of an address as they are on the wire. */
export function ipv6Bytes(address: bigint): Buffer {
  return Buffer.from(address.toString(16).padStart(32, '0'), 'hex');
}

/** The address in sixteen bytes. */
export function ipv6FromBytes(bytes: Buffer): bigint {
  return (bytes.readBigUInt64BE(0) << 64n) | bytes.readBigUInt64BE(8);
}

/** `fd00::1/64`. Throws invalid_argument. */
export function parseIpv6Prefix(text: string): Ipv6Prefix {
  const [address = '', length = '', ...rest] = text.split('/');
  if (!/^\d{1,3}$/.test(length) || Number(length) > 128 || rest.length > 0) {
    throw new StackError('invalid_argument', `"${text}" is not an IPv6 address with prefix length`);
  }
  return { address: parseIpv6(address), length: Number(length) };
}

/** `fd00::1/64`. */
export function formatIpv6Prefix({ address, length }: Ipv6Prefix): string {
  return `${formatIpv6(address)}/${length}`;
}

/** The first address of the network that holds `prefix`. */
export function networkOfIpv6({ address, length }: Ipv6Prefix): Ipv6Prefix {
  return { address: address - (address % sizeOfIpv6(length)), length };
}

/** The last address of the network that holds `prefix`. */
export function lastOfIpv6(prefix: Ipv6Prefix): bigint {
  return networkOfIpv6(prefix).address + sizeOfIpv6(prefix.length) - 1n;
}

/** Whether two networks share an address. */
export function overlapsIpv6(a: Ipv6Prefix, b: Ipv6Prefix): boolean {
  return networkOfIpv6(a).address <= lastOfIpv6(b) && networkOfIpv6(b).address <= lastOfIpv6(a);
}

/** How many addresses a network of this prefix length has. */
export function sizeOfIpv6(length: number): bigint {
  return 1n << BigInt(128 - length);
}
