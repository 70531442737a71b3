/** The engine's name server at 127.0.0.11, once for each container on a network of a user's. */
import dgram from 'node:dgram';
import net from 'node:net';
import type { Logger } from '#lib/log/logger';
import type { KernelThread } from '../../kernel/kernel-thread.ts';
import type { ContainerNetwork } from '../network-controller.ts';
import { answer, type Neighbourhood } from './container-resolver.ts';
import { hostUpstream, takeMessage, Upstream, UpstreamSocket, withLength } from './upstream.ts';

export interface NameServersOptions {
  readonly kernel: KernelThread;
  readonly logger: Logger;
  readonly neighbours: (containerId: string) => Neighbourhood;
}

interface NameServer {
  readonly udp: dgram.Socket;
  readonly tcp: net.Server;
  readonly connections: Set<net.Socket>;
  readonly upstream: Upstream;
}

/** A client by TCP that says nothing for so long is gone. */
const idleMs = 10_000;
/** Questions of one container that may be under way at a time. */
const maximumPending = 512;

export class NameServers {
  readonly #options: NameServersOptions;
  readonly #open = new Map<string, NameServer>();
  #outside: Upstream | undefined;

  constructor(options: NameServersOptions) {
    this.#options = options;
  }

  /** Opens a container's name server unless it is open. */
  async open({ containerId, sandboxKey }: ContainerNetwork): Promise<void> {
    if (this.#open.has(containerId)) return;
    const { kernel, logger } = this.#options;
    const descriptors = await kernel.call('openResolver', { path: sandboxKey });
    const udp = dgram.createSocket('udp4');
    const upstream = dgram.createSocket('udp4');
    const ipv6Upstream = dgram.createSocket('udp6');
    const tcp = net.createServer();
    const server: NameServer = {
      udp,
      tcp,
      connections: new Set(),
      upstream: new Upstream(
        new UpstreamSocket(upstream),
        descriptors.ipv6Upstream === undefined ? undefined : new UpstreamSocket(ipv6Upstream),
        async (address) => {
          const request = { path: sandboxKey, server: address };
          return new net.Socket({ fd: await kernel.call('connectToNameServer', request) });
        },
      ),
    };
    this.#open.set(containerId, server);
    const failed = (error: unknown): void => {
      logger.warn('name server of a container failed', { container: containerId, error });
    };
    udp.on('error', failed);
    tcp.on('error', failed);
    upstream.bind({ fd: descriptors.upstream });
    if (descriptors.ipv6Upstream === undefined) ipv6Upstream.close();
    else ipv6Upstream.bind({ fd: descriptors.ipv6Upstream });
    this.#serveUdp(containerId, server, descriptors.udp);
    this.#serveTcp(containerId, server, descriptors.tcp);
  }

  async close(containerId: string): Promise<void> {
    const server = this.#open.get(containerId);
    if (!server) return;
    this.#open.delete(containerId);
    for (const connection of server.connections) connection.destroy();
    server.upstream.close();
    await Promise.all([
      new Promise<void>((resolve) => server.udp.close(() => resolve())),
      new Promise<void>((resolve) => server.tcp.close(() => resolve())),
    ]);
  }

  async closeAll(): Promise<void> {
    for (const containerId of [...this.#open.keys()]) await this.close(containerId);
    this.#outside?.close();
    this.#outside = undefined;
  }

  #serveUdp(containerId: string, server: NameServer, fd: number): void {
    const { udp } = server;
    let pending = 0;
    udp.on('message', (query, { address, port }) => {
      if (pending >= maximumPending) return; // the client asks again
      pending++;
      void this.#answer(containerId, server, query, 'udp').then((reply) => {
        pending--;
        if (reply && this.#open.get(containerId) === server) udp.send(reply, port, address);
      });
    });
    udp.bind({ fd });
    udp.unref();
  }

  #serveTcp(containerId: string, server: NameServer, fd: number): void {
    const { tcp, connections } = server;
    tcp.on('connection', (socket) => {
      connections.add(socket);
      socket.setTimeout(idleMs, () => socket.destroy());
      socket.on('error', () => socket.destroy());
      socket.on('close', () => connections.delete(socket));
      let received: Buffer = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        for (;;) {
          const [query, rest] = takeMessage(received);
          if (!query) break;
          received = rest;
          void this.#answer(containerId, server, query, 'tcp').then((reply) => {
            if (reply && !socket.destroyed) socket.write(withLength(reply));
          });
        }
      });
    });
    tcp.listen({ fd });
    tcp.unref();
  }

  #answer(
    containerId: string,
    { upstream }: NameServer,
    query: Buffer,
    transport: 'udp' | 'tcp',
  ): Promise<Buffer | undefined> {
    this.#outside ??= hostUpstream();
    return answer(query, transport, {
      neighbourhood: () => this.#options.neighbours(containerId),
      inside: upstream,
      outside: this.#outside,
    }).catch((error: unknown) => {
      this.#options.logger.warn('cannot answer a question for a name', { error });
      return undefined;
    });
  }
}
