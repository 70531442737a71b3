/** A TCP port of the host that leads into a container, for clients that the packet filter does not redirect. */
import net from 'node:net';
import { errorCode } from '#spec/errors';

export interface Target {
  readonly address: string;
  readonly port: number;
}

export interface Proxy {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens; throws what listen(2) throws. Each side's end is passed to the other, so half-closed connections work. */
export async function listenTcp(host: string, port: number, target: Target): Promise<Proxy> {
  const connections = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const inside = net.connect({ host: target.address, port: target.port, allowHalfOpen: true });
    for (const [socket, peer] of [
      [client, inside],
      [inside, client],
    ] as const) {
      connections.add(socket);
      socket.on('error', () => peer.destroy());
      socket.on('close', () => {
        connections.delete(socket);
        peer.destroy();
      });
      socket.setNoDelay(true);
      socket.pipe(peer);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, ipv6Only: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', () => undefined); // of a connection that could not be accepted
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of connections) socket.destroy();
      }),
  };
}

/** Whether the machine does not have this kind of address at all. */
export function isNoSuchAddressFamily(error: unknown): boolean {
  return ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'].includes(errorCode(error) ?? '');
}
