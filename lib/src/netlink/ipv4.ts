/** IPv4 addresses and networks: text and 32-bit numbers. */
import { StackError } from '#spec/errors';

/** An address with the length of its network's prefix: `172.30.0.1/16`. */
export interface Ipv4Prefix {
  /** As an unsigned 32-bit number. */
  readonly address: number;
  readonly length: number;
}

/** `172.30.0.1` as a number. Throws invalid_argument for anything but four decimal numbers. */
export function parseIpv4(text: string): number {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) {
    throw new StackError('invalid_argument', `"${text}" is not an IPv4 address`);
  }
  return parts.reduce((number, part) => number * 256 + part, 0);
}

/** The text of an address. */
export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** The four bytes of an address as they are on the wire. */
export function ipv4Bytes(address: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(address);
  return bytes;
}

/** `172.30.0.1/16`. Throws invalid_argument. */
export function parseIpv4Prefix(text: string): Ipv4Prefix {
  const [address = '', length = '', ...rest] = text.split('/');
  if (!/^\d{1,2}$/.test(length) || Number(length) > 32 || rest.length > 0) {
    throw new StackError('invalid_argument', `"${text}" is not an IPv4 address with prefix length`);
  }
  return { address: parseIpv4(address), length: Number(length) };
}

/** `172.30.0.1/16`. */
export function formatIpv4Prefix({ address, length }: Ipv4Prefix): string {
  return `${formatIpv4(address)}/${length}`;
}

/** The first address of the network that holds `prefix`. */
export function networkOf({ address, length }: Ipv4Prefix): Ipv4Prefix {
  return { address: address - (address % sizeOf(length)), length };
}

/** The last address of the network that holds `prefix`. */
export function broadcastOf(prefix: Ipv4Prefix): number {
  return networkOf(prefix).address + sizeOf(prefix.length) - 1;
}

/** Whether two networks share an address. */
export function overlaps(a: Ipv4Prefix, b: Ipv4Prefix): boolean {
  return networkOf(a).address <= broadcastOf(b) && networkOf(b).address <= broadcastOf(a);
}

/** How many addresses a network of this prefix length has. */
export function sizeOf(length: number): number {
  return 2 ** (32 - length);
}
