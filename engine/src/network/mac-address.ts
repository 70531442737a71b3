/** MAC addresses of bridges and containers. */
import { ipv4Bytes } from '#lib/netlink/ipv4';
import { StackError } from '#spec/errors';

/**
 * docker's way to a stable one: 02:42 (locally administered), then the IPv4 address. Neighbours keep a valid ARP
 * entry when an address passes to another container, and a bridge keeps its MAC whatever ports it has.
 */
export function macOf(address: number): string {
  return ['02', '42', ...[...ipv4Bytes(address)].map(hexByte)].join(':');
}

/** A MAC as users write it (colons or dashes), in lower case with colons. Throws invalid_argument. */
export function parseMac(text: string): string {
  const mac = text.toLowerCase().replaceAll('-', ':');
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) {
    throw new StackError('invalid_argument', `invalid MAC address "${text}"`);
  }
  if ((Number.parseInt(mac.slice(0, 2), 16) & 1) !== 0) {
    throw new StackError('invalid_argument', `MAC address "${text}" is a multicast address`);
  }
  return mac;
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
