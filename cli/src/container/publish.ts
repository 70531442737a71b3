/** `-p`, `-P` and `--expose`: ports as docker's command line writes them, as the API wants them. */
import { isIPv4, isIPv6 } from 'node:net';
import { UsageError } from '../command-line/parse.ts';

export interface PublishedPorts {
  exposed: Record<string, object>;
  bindings: Record<string, { HostIp: string; HostPort: string }[]>;
}

/** Reads all values of `--publish` and `--expose`. Throws {@link UsageError} naming the one that cannot be meant. */
export function parsePorts(publish: readonly string[], expose: readonly string[]): PublishedPorts {
  const exposed: PublishedPorts['exposed'] = {};
  const bindings: PublishedPorts['bindings'] = {};
  for (const value of expose) {
    const { range, protocol } = containerSide(value, 'expose', value);
    for (let port = range.first; port <= range.last; port++) exposed[`${port}/${protocol}`] = {};
  }
  for (const value of publish) {
    const { address, hostPart, containerPart } = split(value);
    const { range, protocol } = containerSide(containerPart, 'publish', value);
    const host = hostPart === '' ? undefined : parseRange(hostPart, 'publish', value);
    const count = range.last - range.first + 1;
    // One port of the container may be told to take any of a range; several need one each.
    if (host && count > 1 && host.last - host.first + 1 !== count) {
      throw wrong('publish', value, 'Invalid ranges specified for container and host Ports');
    }
    for (let index = 0; index < count; index++) {
      const port = `${range.first + index}/${protocol}`;
      const hostPort =
        host === undefined
          ? ''
          : count === 1 && host.last > host.first
            ? `${host.first}-${host.last}`
            : String(host.first + index);
      exposed[port] = {};
      (bindings[port] ??= []).push({ HostIp: address, HostPort: hostPort });
    }
  }
  return { exposed, bindings };
}

/** `[[ADDRESS:]HOST:]CONTAINER`, an IPv6 address in brackets. */
function split(value: string): { address: string; hostPart: string; containerPart: string } {
  const bracketed = /^\[([^\]]*)\]:(.*)$/.exec(value);
  const parts = (bracketed?.[2] ?? value).split(':');
  const address = bracketed
    ? (bracketed[1] ?? '')
    : parts.length === 3
      ? (parts.shift() ?? '')
      : '';
  const [first = '', second, ...rest] = parts;
  if (rest.length > 0) throw wrong('publish', value, `invalid publish opts format`);
  if (address !== '' && !(bracketed ? isIPv6(address) : isIPv4(address))) {
    throw wrong('publish', value, `invalid IP address: ${address}`);
  }
  return second === undefined
    ? { address, hostPart: '', containerPart: first }
    : { address, hostPart: first, containerPart: second };
}

interface Range {
  first: number;
  last: number;
}

function containerSide(
  text: string,
  flag: string,
  value: string,
): { range: Range; protocol: string } {
  const [ports = '', protocol = 'tcp', ...rest] = text.toLowerCase().split('/');
  if (!['tcp', 'udp', 'sctp'].includes(protocol) || rest.length > 0) {
    throw wrong(flag, value, `invalid proto: ${text.slice(ports.length + 1)}`);
  }
  return { range: parseRange(ports, flag, value), protocol };
}

function parseRange(text: string, flag: string, value: string): Range {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!match || last > 65535 || last < first) throw wrong(flag, value, `invalid port: ${text}`);
  return { first, last };
}

function wrong(flag: string, value: string, reason: string): UsageError {
  return new UsageError(`invalid argument "${value}" for "--${flag}" flag: ${reason}`);
}
