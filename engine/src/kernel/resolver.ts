/**
 * The door of the engine's name server in a container's network namespace: sockets at its address on ports of the
 * kernel's choice, and rules that send port 53 there, so that the container may use port 53 itself.
 */
import { NetlinkConnection } from '#lib/netlink/connection';
import { ipv4Bytes, parseIpv4 } from '#lib/netlink/ipv4';
import { destinationPortIs, protocolIs } from '#lib/nft/expression';
import { destinationIs, destinationNat } from '#lib/nft/nat';
import { priorities, Transaction } from '#lib/nft/transaction';
import { boundSocket, closeSocket, connectingSocket, type BoundSocket } from '#lib/sys/inet-socket';
import { NETLINK_NETFILTER } from '#lib/sys/netlink-socket';
import { errorCode } from '#spec/errors';
import { resolverAddress } from '../network/dns/resolver-address.ts';
import type { Host } from './host.ts';

const table = 'engined_dns';
const dnsPort = 53;

/** Descriptors for the main thread, which owns them from now on. */
export interface ResolverSockets {
  readonly udp: number;
  /** Listening. */
  readonly tcp: number;
  /** Not bound: questions that are passed on leave from the container's own namespace. */
  readonly upstream: number;
  /** The same for name servers at IPv6 addresses; undefined where the kernel has no IPv6. */
  readonly ipv6Upstream: number | undefined;
}

/** Opens the sockets and replaces the rules of an earlier run. */
export function openResolver(host: Host, { path }: { path: string }): ResolverSockets {
  const opened: BoundSocket[] = [];
  try {
    const [udp, tcp, upstream, ipv6Upstream, nft] = host.home.inside(path, () => {
      const open = (kind: 'udp' | 'tcp', address: string): BoundSocket => {
        const socket = boundSocket(kind, address);
        opened.push(socket);
        return socket;
      };
      return [
        open('udp', resolverAddress),
        open('tcp', resolverAddress),
        open('udp', '0.0.0.0'),
        openIfPossible(() => open('udp', '::')),
        new NetlinkConnection(NETLINK_NETFILTER),
      ] as const;
    });
    try {
      redirect(nft, udp.port, tcp.port);
    } finally {
      nft.close();
    }
    return { udp: udp.fd, tcp: tcp.fd, upstream: upstream.fd, ipv6Upstream: ipv6Upstream?.fd };
  } catch (error) {
    opened.forEach(({ fd }) => closeSocket(fd));
    throw error;
  }
}

export interface StreamRequest {
  /** Of the namespace. */
  readonly path: string;
  readonly server: string;
}

/** A TCP connection from the namespace to a name server, under way; the main thread owns the descriptor from now on. */
export function connectToNameServer(host: Host, { path, server }: StreamRequest): number {
  return host.home.inside(path, () => connectingSocket(server, dnsPort));
}

function openIfPossible(open: () => BoundSocket): BoundSocket | undefined {
  try {
    return open();
  } catch (error) {
    if (errorCode(error) === 'EAFNOSUPPORT') return undefined;
    throw error;
  }
}

function redirect(nft: NetlinkConnection, udpPort: number, tcpPort: number): void {
  const address = ipv4Bytes(parseIpv4(resolverAddress));
  const rule = (protocol: 'udp' | 'tcp', port: number) => [
    destinationIs(address),
    protocolIs(protocol),
    destinationPortIs(dnsPort),
    destinationNat(address, port),
  ];
  new Transaction('ip')
    .replaceTable(table)
    .addChain(table, { name: 'output', type: 'nat', hook: 'output', priority: priorities.dstnat })
    .addRule(table, 'output', rule('udp', udpPort))
    .addRule(table, 'output', rule('tcp', tcpPort))
    .commit(nft);
}
