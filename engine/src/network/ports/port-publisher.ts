/**
 * Published ports. The packet filter redirects what comes from outside and from the machine itself to the container,
 * so that it sees its clients' addresses and goes on when engined is away; loopback, containers, and IPv6 where the
 * container has none go through a listener of ours on the same port, which also is what shows that a port is free.
 */
import type { Logger } from '#lib/log/logger';
import { errorCode, messageOf, StackError } from '#spec/errors';
import type { RedirectedPort } from '../../kernel/firewall.ts';
import type { Firewall } from '../firewall.ts';
import type { PortRequest, PublishedPort } from './port-requests.ts';
import { isNoSuchAddressFamily, listenTcp, type Proxy } from './tcp-proxy.ts';
import { listenUdp } from './udp-proxy.ts';

/** Where published ports lead. */
export interface PublishTarget {
  readonly ipAddress: string;
  /** Empty for a container without IPv6: its ports at IPv6 addresses of the host lead to its IPv4 address. */
  readonly ipv6Address: string;
  /** Where ports are published that name no address of the host; empty for everywhere. */
  readonly hostAddress: string;
}

interface Published {
  readonly ports: readonly PublishedPort[];
  readonly proxies: readonly Proxy[];
  readonly target: PublishTarget;
}

/** How often another port is tried when the one the kernel chose is not free everywhere. */
const attempts = 16;

export class PortPublisher {
  readonly #firewall: Firewall;
  readonly #logger: Logger;
  readonly #published = new Map<string, Published>();

  constructor(firewall: Firewall, logger: Logger) {
    this.#firewall = firewall;
    this.#logger = logger;
  }

  /** Opens ports that lead to `target`; all or, throwing conflict for one that is taken, none. */
  async publish(
    containerId: string,
    target: PublishTarget,
    requests: readonly PortRequest[],
  ): Promise<PublishedPort[]> {
    const ports: PublishedPort[] = [];
    const proxies: Proxy[] = [];
    try {
      for (const request of requests) {
        const opened = await this.#open(target, request);
        proxies.push(...opened.proxies);
        ports.push(...opened.ports);
      }
      await this.#record(containerId, { ports, proxies, target });
    } catch (error) {
      for (const proxy of proxies) await proxy.close();
      throw error;
    }
    return ports;
  }

  /** Opens again what an earlier run published. What cannot be had again is logged: the container runs on. */
  async restore(
    containerId: string,
    target: PublishTarget,
    ports: readonly PublishedPort[],
  ): Promise<void> {
    const proxies: Proxy[] = [];
    for (const port of ports) {
      const { protocol, containerPort, hostIp, hostPort } = port;
      try {
        const place = { address: addressFor(hostIp, target), port: containerPort };
        if (protocol !== 'sctp') proxies.push(await listen(protocol, hostIp, hostPort, place));
      } catch (error) {
        this.#logger.warn('cannot listen at a published port again', {
          container: containerId,
          port: `${hostIp}:${hostPort}/${protocol}`,
          reason: messageOf(error),
        });
      }
    }
    await this.#record(containerId, { ports, proxies, target });
  }

  /** Closes all ports of a container. */
  async unpublish(containerId: string): Promise<void> {
    const published = this.#published.get(containerId);
    if (!published) return;
    this.#published.delete(containerId);
    await this.#redirect();
    const { ipAddress, ipv6Address } = published.target;
    const addresses = [ipAddress, ipv6Address].filter((address) => address !== '');
    await this.#firewall.forgetContainer(addresses);
    for (const proxy of published.proxies) await proxy.close();
  }

  /** Closes all listeners; what the packet filter redirects goes on. */
  async close(): Promise<void> {
    for (const { proxies } of this.#published.values()) {
      for (const proxy of proxies) await proxy.close();
    }
    this.#published.clear();
  }

  async #record(containerId: string, published: Published): Promise<void> {
    if (published.ports.length === 0) return;
    this.#published.set(containerId, published);
    try {
      await this.#redirect();
    } catch (error) {
      this.#published.delete(containerId);
      throw error;
    }
    const { ports, target } = published;
    await this.#firewall.forgetClients(ports.flatMap((port) => redirection(port, target)));
  }

  /** Tells the packet filter of all ports that hold on addresses it can redirect. */
  async #redirect(): Promise<void> {
    const redirected = [...this.#published.values()].flatMap(({ ports, target }) =>
      ports.flatMap((port) => redirection(port, target)),
    );
    await this.#firewall.redirect(redirected);
  }

  async #open(
    container: PublishTarget,
    request: PortRequest,
  ): Promise<{ ports: PublishedPort[]; proxies: Proxy[] }> {
    const { protocol, containerPort, firstHostPort, lastHostPort } = request;
    const hostIp = request.hostIp || container.hostAddress;
    if (protocol === 'sctp') {
      if (firstHostPort === 0) {
        throw new StackError('unimplemented', 'choosing a port for sctp is not implemented');
      }
      const port = {
        protocol,
        containerPort,
        hostIp: hostIp || '0.0.0.0',
        hostPort: firstHostPort,
      };
      return { ports: [port], proxies: [] };
    }
    const addresses = hostIp === '' ? ['0.0.0.0', '::'] : [hostIp];
    const candidates =
      firstHostPort === 0
        ? Array.from({ length: attempts }, () => 0)
        : Array.from({ length: lastHostPort - firstHostPort + 1 }, (_, i) => firstHostPort + i);
    let failure: unknown;
    for (const candidate of candidates) {
      const proxies: Proxy[] = [];
      const ports: PublishedPort[] = [];
      try {
        for (const ip of addresses) {
          // The second address gets the port that the kernel chose for the first.
          const wanted = proxies[0]?.port ?? candidate;
          const target = { address: addressFor(ip, container), port: containerPort };
          const proxy = await listenOptional(protocol, ip, wanted, target, proxies.length > 0);
          if (!proxy) continue;
          proxies.push(proxy);
          ports.push({ protocol, containerPort, hostIp: ip, hostPort: proxy.port });
        }
        return { ports, proxies };
      } catch (error) {
        failure = error;
        for (const proxy of proxies) await proxy.close();
        if (errorCode(error) !== 'EADDRINUSE') break;
      }
    }
    throw notFree({ ...request, hostIp }, failure);
  }
}

/** The container's address that a place of the host leads to. */
function addressFor(hostIp: string, { ipAddress, ipv6Address }: PublishTarget): string {
  return hostIp.includes(':') && ipv6Address !== '' ? ipv6Address : ipAddress;
}

/** What the packet filter redirects: nothing at loopback, and nothing from one family to the other. */
function redirection(
  { protocol, containerPort, hostIp, hostPort }: PublishedPort,
  target: PublishTarget,
): RedirectedPort[] {
  const address = addressFor(hostIp, target);
  const isLoopback = hostIp.startsWith('127.') || hostIp === '::1';
  if (isLoopback || address.includes(':') !== hostIp.includes(':')) return [];
  const isAnywhere = hostIp === '0.0.0.0' || hostIp === '::';
  return [
    {
      protocol,
      hostPort,
      ...(!isAnywhere && { hostAddress: hostIp }),
      address,
      port: containerPort,
    },
  ];
}

function listen(
  protocol: 'tcp' | 'udp',
  host: string,
  port: number,
  target: { address: string; port: number },
): Promise<Proxy> {
  return protocol === 'tcp' ? listenTcp(host, port, target) : listenUdp(host, port, target);
}

/** Undefined where the address may be missing and the machine has none of its kind. */
async function listenOptional(
  protocol: 'tcp' | 'udp',
  host: string,
  port: number,
  target: { address: string; port: number },
  optional: boolean,
): Promise<Proxy | undefined> {
  try {
    return await listen(protocol, host, port, target);
  } catch (error) {
    if (optional && isNoSuchAddressFamily(error)) return undefined;
    throw error;
  }
}

function notFree(
  { hostIp, firstHostPort, lastHostPort, protocol }: PortRequest,
  cause: unknown,
): StackError {
  const range = firstHostPort === lastHostPort ? firstHostPort : `${firstHostPort}-${lastHostPort}`;
  const place = `${hostIp || '0.0.0.0'}:${range}/${protocol}`;
  if (errorCode(cause) === 'EADDRINUSE') {
    return new StackError(
      'conflict',
      `failed to bind host port ${place}: address already in use: port is already allocated`,
      { cause },
    );
  }
  return new StackError('internal', `failed to bind host port ${place}: ${messageOf(cause)}`, {
    cause,
  });
}
