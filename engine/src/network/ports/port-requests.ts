/** Ports that a container wants to be reached at from outside: `-p`, `-P`, `--expose`. */
import { isIP } from 'node:net';
import { StackError } from '#spec/errors';

export const portProtocols = ['tcp', 'udp', 'sctp'] as const;
export type PortProtocol = (typeof portProtocols)[number];

/** `PortBindings` of the API: by `80/tcp`, places on the host. */
export type PortBindings = Readonly<Record<string, readonly PortBinding[]>>;

export interface PortBinding {
  /** Empty for every address of the host. */
  HostIp: string;
  /** A port, a range to choose from, or empty (or 0) for any. */
  HostPort: string;
}

/** One port of the container at one place of the host. */
export interface PortRequest {
  readonly protocol: PortProtocol;
  readonly containerPort: number;
  /** Empty for every address of the host. */
  readonly hostIp: string;
  /** The first free one of these is taken; any is 0 to 0. */
  readonly firstHostPort: number;
  readonly lastHostPort: number;
}

/** A port that is reachable. */
export interface PublishedPort {
  readonly protocol: PortProtocol;
  readonly containerPort: number;
  /** `0.0.0.0`, `::` or one address of the host. */
  readonly hostIp: string;
  readonly hostPort: number;
}

/** What is to be published. Throws invalid_argument naming the binding that makes no sense. */
export function portRequests(
  bindings: PortBindings,
  publishAll: boolean,
  exposed: readonly string[],
): PortRequest[] {
  const requests = Object.entries(bindings).flatMap(([port, places]) => {
    const { containerPort, protocol } = parsePort(port);
    return places.map(({ HostIp: hostIp, HostPort: hostPort }) => {
      if (hostIp !== '' && isIP(hostIp) === 0) {
        throw new StackError('invalid_argument', `invalid IP address in port binding: ${hostIp}`);
      }
      const [firstHostPort, lastHostPort] = parseRange(hostPort);
      return { protocol, containerPort, hostIp, firstHostPort, lastHostPort };
    });
  });
  if (!publishAll) return requests;
  const bound = new Set(
    requests.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`),
  );
  return [
    ...requests,
    ...exposed
      .map(parsePort)
      .filter(({ containerPort, protocol }) => !bound.has(`${containerPort}/${protocol}`))
      .map((port) => ({ ...port, hostIp: '', firstHostPort: 0, lastHostPort: 0 })),
  ];
}

/** `80`, `80/tcp`. Throws invalid_argument. */
export function parsePort(text: string): { containerPort: number; protocol: PortProtocol } {
  const [number = '', protocol = 'tcp', ...rest] = text.toLowerCase().split('/');
  if (!isProtocol(protocol) || rest.length > 0 || !/^\d+$/.test(number)) {
    throw new StackError('invalid_argument', `invalid port specification: "${text}"`);
  }
  const containerPort = Number(number);
  if (containerPort < 1 || containerPort > 65535) {
    throw new StackError('invalid_argument', `invalid port specification: "${text}"`);
  }
  return { containerPort, protocol };
}

function parseRange(text: string): [first: number, last: number] {
  if (text === '') return [0, 0];
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!match || last > 65535 || last < first) {
    throw new StackError('invalid_argument', `invalid port specification: "${text}"`);
  }
  return [first, last];
}

function isProtocol(text: string): text is PortProtocol {
  return (portProtocols as readonly string[]).includes(text);
}
