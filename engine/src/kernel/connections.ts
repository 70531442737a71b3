/** Connections that the kernel goes on translating after their published port changed hands. */
import { ipv4Bytes, parseIpv4 } from '#lib/netlink/ipv4';
import { ipv6Bytes, parseIpv6 } from '#lib/netlink/ipv6';
import { deleteConnections } from '#lib/nft/connections';
import type { Host } from './host.ts';
import type { RedirectedPort } from './firewall.ts';

/**
 * Forgets connections to UDP ports that lead to a container from now on: without this, clients that go on sending
 * reach whoever had the port before, or the listener.
 */
export function forgetOfPorts(host: Host, { ports }: { ports: readonly RedirectedPort[] }): void {
  for (const { protocol, hostPort, hostAddress, address } of ports) {
    if (protocol !== 'udp') continue;
    deleteConnections(host.nft, {
      family: address.includes(':') ? 'ip6' : 'ip',
      direction: 'original',
      protocol,
      destinationPort: hostPort,
      ...(hostAddress !== undefined && { destination: bytesOf(hostAddress) }),
    });
  }
}

/** Forgets connections that lead to containers' addresses, which others are about to get. */
export function forgetOfAddresses(
  host: Host,
  { addresses }: { addresses: readonly string[] },
): void {
  for (const address of addresses) {
    const family = address.includes(':') ? 'ip6' : 'ip';
    // After translation the container is where the answers come from.
    deleteConnections(host.nft, { family, direction: 'reply', source: bytesOf(address) });
  }
}

function bytesOf(address: string): Buffer {
  return address.includes(':') ? ipv6Bytes(parseIpv6(address)) : ipv4Bytes(parseIpv4(address));
}
