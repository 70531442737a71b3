/** Ways to a log server: UDP, TCP, TLS, and unix sockets of both kinds. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { DatagramSender } from '#lib/sys/datagram-socket';
import type { MessageCarrier } from './log-sink.ts';

/** How long a receiver of datagrams without room is left alone; there is no event for it. */
const retryMs = 5;

/** Datagrams to a unix socket. Throws SyscallError, naming the path, when nobody listens there. */
export function unixDatagrams(path: string): MessageCarrier {
  const sender = new DatagramSender(path);
  const sendLater = async (message: Buffer): Promise<void> => {
    do await delay(retryMs);
    while (!sender.send(message));
  };
  return {
    send: (message) => (sender.send(message) ? undefined : sendLater(message)),
    close: async () => sender.close(),
  };
}

/** Datagrams by UDP. The host's name is looked up once. */
export async function udpDatagrams(host: string, port: number): Promise<MessageCarrier> {
  const socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
  socket.on('error', () => undefined); // nobody receives: that is how UDP is
  socket.connect(port, host);
  await once(socket, 'connect');
  socket.unref();
  return {
    send: (message) =>
      new Promise((resolve, reject) => {
        socket.send(message, (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
    close: async () => {
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

export type StreamAddress = net.TcpNetConnectOpts | net.IpcNetConnectOpts | tls.ConnectionOptions;

/** A stream that is opened again when it broke. Rejects when it cannot be opened the first time. */
export async function reconnectingStream(
  address: StreamAddress,
  secure: boolean,
): Promise<MessageCarrier> {
  let socket: net.Socket | undefined = await connect(address, secure);
  const reconnect = async (message: Buffer): Promise<void> => {
    socket = await connect(address, secure);
    if (!socket.write(message)) await drained(socket);
  };
  return {
    send: (message) => {
      if (!socket || socket.destroyed) return reconnect(message);
      return socket.write(message) ? undefined : drained(socket);
    },
    close: async () => {
      if (!socket || socket.destroyed) return;
      socket.end();
      // A server that does not read must not keep us.
      const limit = delay(1000, undefined, { ref: false });
      await Promise.race([once(socket, 'close').catch(() => undefined), limit]);
      socket.destroy();
    },
  };
}

async function drained(socket: net.Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      socket.off('drain', finish).off('close', finish);
      resolve();
    };
    socket.on('drain', finish).on('close', finish);
  });
}

async function connect(address: StreamAddress, secure: boolean): Promise<net.Socket> {
  const socket = secure
    ? tls.connect(address as tls.ConnectionOptions) // the caller says which it is
    : net.connect(address as net.NetConnectOpts);
  try {
    await once(socket, secure ? 'secureConnect' : 'connect');
  } catch (error) {
    socket.destroy();
    throw error;
  }
  socket.on('error', () => undefined); // it closes, and is opened again
  socket.resume();
  return socket;
}
