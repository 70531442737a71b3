/** A UDP port of the host that leads into a container: one socket for each client, so that answers find back. */
import dgram from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Proxy, Target } from './tcp-proxy.ts';

/** As docker's proxy: a client that is silent for so long is forgotten. */
const idleMs = 90_000;
const maximumClients = 4096;

interface Client {
  readonly socket: dgram.Socket;
  timer: NodeJS.Timeout;
}

/** Binds; throws what bind(2) throws. */
export async function listenUdp(host: string, port: number, target: Target): Promise<Proxy> {
  const outside = isIPv6(host)
    ? dgram.createSocket({ type: 'udp6', ipv6Only: true })
    : dgram.createSocket('udp4');
  const clients = new Map<string, Client>();
  const forget = (key: string): void => {
    const client = clients.get(key);
    clients.delete(key);
    clearTimeout(client?.timer);
    client?.socket.close();
  };
  outside.on('message', (message, { address, port: clientPort }) => {
    const key = `${address} ${clientPort}`;
    let client = clients.get(key);
    if (!client) {
      if (clients.size >= maximumClients) return;
      const socket = dgram.createSocket(isIPv6(target.address) ? 'udp6' : 'udp4');
      socket.on('message', (answer) => outside.send(answer, clientPort, address));
      socket.on('error', () => forget(key));
      client = { socket, timer: setTimeout(() => forget(key), idleMs) };
      clients.set(key, client);
    }
    client.timer.refresh();
    client.socket.send(message, target.port, target.address);
  });
  await new Promise<void>((resolve, reject) => {
    outside.once('error', reject);
    outside.bind({ address: host, port }, () => {
      outside.off('error', reject);
      resolve();
    });
  });
  outside.on('error', () => undefined); // of a client that is gone
  return {
    port: outside.address().port,
    close: () =>
      new Promise((resolve) => {
        for (const key of [...clients.keys()]) forget(key);
        outside.close(() => resolve());
      }),
  };
}
