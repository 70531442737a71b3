/** Variables that tell a container of another one that it has a link to, as docker names them. */
import { parsePort } from '../network/ports/port-requests.ts';

export interface LinkedContainer {
  /** `/web/database` */
  name: string;
  address: string;
  /** What the other container was started with. */
  environment: readonly string[];
  /** `80/tcp`, … */
  ports: readonly string[];
}

interface ExposedPort {
  containerPort: number;
  protocol: string;
}

export function linkEnvironment({ name, address, environment, ports }: LinkedContainer): string[] {
  const prefix = name
    .slice(name.lastIndexOf('/') + 1)
    .toUpperCase()
    .replaceAll('-', '_');
  const sorted = ports.map(parsePort).sort(byProtocolAndPort);
  const url = ({ protocol, containerPort }: ExposedPort): string =>
    `${protocol}://${address}:${containerPort}`;
  const nameOf = ({ protocol, containerPort }: ExposedPort): string =>
    `${prefix}_PORT_${containerPort}_${protocol.toUpperCase()}`;
  const [first] = sorted;
  const ofPorts = rangesOf(sorted).flatMap((range) => [
    ...range.flatMap((port) => [
      `${nameOf(port)}=${url(port)}`,
      `${nameOf(port)}_ADDR=${address}`,
      `${nameOf(port)}_PORT=${port.containerPort}`,
      `${nameOf(port)}_PROTO=${port.protocol}`,
    ]),
    ...ofRange(range, nameOf, url),
  ]);
  return [
    ...(first ? [`${prefix}_PORT=${url(first)}`] : []),
    ...ofPorts,
    `${prefix}_NAME=${name}`,
    ...environment
      .filter((entry) => entry.includes('=') && !/^(HOME|PATH)=/.test(entry))
      .map((entry) => `${prefix}_ENV_${entry}`),
  ];
}

function ofRange(
  range: readonly ExposedPort[],
  nameOf: (port: ExposedPort) => string,
  url: (port: ExposedPort) => string,
): string[] {
  const [start, end] = [range[0], range.at(-1)];
  if (!start || !end || start === end) return [];
  return [
    `${nameOf(start)}_START=${url(start)}`,
    `${nameOf(start)}_PORT_START=${start.containerPort}`,
    `${nameOf(start)}_END=${url(end)}`,
    `${nameOf(start)}_PORT_END=${end.containerPort}`,
  ];
}

/** Ports one after the other, of one protocol. */
function rangesOf(sorted: readonly ExposedPort[]): ExposedPort[][] {
  const ranges: ExposedPort[][] = [];
  for (const port of sorted) {
    const range = ranges.at(-1);
    const last = range?.at(-1);
    const follows =
      last?.protocol === port.protocol && last.containerPort + 1 === port.containerPort;
    if (range && follows) range.push(port);
    else ranges.push([port]);
  }
  return ranges;
}

/** tcp first. */
function byProtocolAndPort(a: ExposedPort, b: ExposedPort): number {
  if (a.protocol === b.protocol) return a.containerPort - b.containerPort;
  if (a.protocol === 'tcp') return -1;
  if (b.protocol === 'tcp') return 1;
  return a.protocol < b.protocol ? -1 : 1;
}
