/** /etc/resolv.conf of a container, made from the host's as docker does. */
import fs from 'node:fs';
import { isIP, isIPv4 } from 'node:net';
import { errorCode } from '#spec/errors';
import { resolverAddress } from './dns/resolver-address.ts';

/** Used when the host has no name server that a container can reach. */
const publicNameServers = ['8.8.8.8', '8.8.4.4'];
/** systemd-resolved's stub; the servers behind it are in a file of its own. */
const resolvedStub = '127.0.0.53';
const resolvedFile = '/run/systemd/resolve/resolv.conf';

export interface ResolvConfOptions {
  /** Content of the host's file: {@link hostResolvConf}. */
  readonly host: string;
  /** `--dns`, `--dns-search`, `--dns-option`; each replaces what the host has. */
  readonly nameServers?: readonly string[];
  readonly search?: readonly string[];
  readonly options?: readonly string[];
  /** Whether the container shares the host's network namespace: loopback servers work there. */
  readonly hostNetwork?: boolean;
}

export interface ResolvConf {
  readonly content: string;
  /** The host has no usable server: public ones stand in. Worth a line in the log. */
  readonly usesPublicServers: boolean;
}

/** The host's resolv.conf, or what systemd-resolved itself asks; empty where there is none. */
export function hostResolvConf(): string {
  const content = readIfPresent('/etc/resolv.conf');
  const servers = valuesOf(content, 'nameserver');
  if (servers.length === 1 && servers[0] === resolvedStub) return readIfPresent(resolvedFile);
  return content;
}

/** IPv4 name servers of the host that are not its own loopback. */
export function hostNameServers(): string[] {
  return valuesOf(hostResolvConf(), 'nameserver').filter(isReachable);
}

/** The resolv.conf of a container that asks the engine's own name server. */
export function resolvConfOfNames({
  host,
  search = [],
  options = [],
}: Pick<ResolvConfOptions, 'host' | 'search' | 'options'>): string {
  const domains = search.length > 0 ? search : words(host, 'search');
  const flags = options.length > 0 ? options : words(host, 'options');
  // A name with a dot in it is looked for as it is only after the search domains, unless told otherwise.
  const all = flags.some((flag) => flag.startsWith('ndots:')) ? flags : [...flags, 'ndots:0'];
  return [
    `nameserver ${resolverAddress}`,
    ...(domains.length > 0 && domains.join(' ') !== '.' ? [`search ${domains.join(' ')}`] : []),
    `options ${all.join(' ')}`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** All name servers of the host, those on its loopback included: the engine can ask them for its containers. */
export function allHostNameServers(): string[] {
  const servers = valuesOf(hostResolvConf(), 'nameserver').filter((server) => isIP(server) !== 0);
  return servers.length > 0 ? servers : [...publicNameServers];
}

/** A container's resolv.conf. Comments and unknown lines of the host's file are kept unless a list is replaced. */
export function resolvConf(wanted: ResolvConfOptions): ResolvConf {
  const { host, nameServers = [], search = [], options = [], hostNetwork = false } = wanted;
  const replaced = nameServers.length + search.length + options.length > 0;
  const reachable = hostNetwork
    ? valuesOf(host, 'nameserver')
    : valuesOf(host, 'nameserver').filter(isReachable);
  const usesPublicServers = !hostNetwork && nameServers.length === 0 && reachable.length === 0;
  const servers =
    nameServers.length > 0 ? nameServers : usesPublicServers ? publicNameServers : reachable;
  if (!replaced) return { content: filtered(host, servers), usesPublicServers };
  const domains = search.length > 0 ? search : words(host, 'search');
  const flags = options.length > 0 ? options : words(host, 'options');
  const content = [
    ...(domains.length > 0 && domains.join(' ') !== '.' ? [`search ${domains.join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(flags.length > 0 ? [`options ${flags.join(' ')}`] : []),
  ];
  return { content: content.map((line) => `${line}\n`).join(''), usesPublicServers };
}

/** The host's lines, without servers that are not in `servers`; those that are missing are appended. */
function filtered(host: string, servers: readonly string[]): string {
  const kept = host.split('\n').filter((line) => {
    const server = serverIn(line);
    return server === undefined || servers.includes(server);
  });
  const present = new Set(kept.map(serverIn));
  const missing = servers.filter((server) => !present.has(server));
  const text = kept.join('\n');
  const end = text === '' || text.endsWith('\n') ? '' : '\n';
  return text + end + missing.map((server) => `nameserver ${server}\n`).join('');
}

/** A container without IPv6 in a namespace of its own reaches neither loopback nor IPv6 servers. */
function isReachable(server: string): boolean {
  return isIPv4(server) && !server.startsWith('127.');
}

function serverIn(line: string): string | undefined {
  return /^\s*nameserver\s+(\S+)/.exec(line)?.[1];
}

function valuesOf(content: string, keyword: 'nameserver' | 'search' | 'options'): string[] {
  return content.split('\n').flatMap((line) => {
    const [first, ...rest] = line.trim().split(/\s+/);
    return first === keyword && rest.length > 0 ? [rest.join(' ')] : [];
  });
}

/** The words of the last line of this kind, which is the one that counts. */
function words(content: string, keyword: 'search' | 'options'): string[] {
  return valuesOf(content, keyword).at(-1)?.split(' ') ?? [];
}

function readIfPresent(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  }
}
