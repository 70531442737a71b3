/** Where a registry is asked: mirrors first, and over which protocol. */
import net from 'node:net';
import { StackError } from '#spec/errors';
import { defaultDomain } from '#spec/reference';
import { endpoint, type Endpoint } from './endpoint.ts';
import { configuredEndpoints, hasSettings } from './hosts-folder.ts';

export interface RegistrySettings {
  /** Base URLs that serve Docker Hub's images, asked before it (`--registry-mirror`). */
  mirrors?: readonly string[];
  /** Registries (`host`, `host:port`, `10.0.0.0/8`) that may be asked over plain HTTP (`--insecure-registry`). */
  insecureRegistries?: readonly string[];
  /** Folder with settings for each registry in containerd's form (`<registry>/hosts.toml`). */
  hostsFolder?: string;
  /** The same, of which the first counts that has something for a registry; `mirrors` are asked all the same. */
  hostsFolders?: readonly string[];
  /** Sent with every request to a registry or one of its mirrors. */
  headers?: Readonly<Record<string, string>>;
}

/** The host behind Docker Hub's name. */
const dockerHubUrl = 'https://registry-1.docker.io';

/** The places to ask for images of `domain`, in order. Throws invalid_argument for settings that cannot be read. */
export function endpointsOf(domain: string, settings: RegistrySettings): Endpoint[] {
  const { headers } = settings;
  const endpoints = placesOf(domain, settings);
  if (!headers) return endpoints;
  return endpoints.map((place) => ({ ...place, headers: { ...headers, ...place.headers } }));
}

function placesOf(domain: string, settings: RegistrySettings): Endpoint[] {
  const registry = defaultEndpoints(domain, settings);
  const { hostsFolder } = settings;
  if (hostsFolder !== undefined) return configuredEndpoints(hostsFolder, domain, registry);
  const places = withFolders(domain, registry, settings);
  if (domain !== defaultDomain) return places;
  const mirrors = (settings.mirrors ?? []).flatMap((url) => mirrorEndpoints(url, settings));
  return [...mirrors, ...places];
}

/** `places` as the first of the folders has it that knows `domain`. */
function withFolders(
  domain: string,
  places: readonly Endpoint[],
  { hostsFolders = [] }: RegistrySettings,
): Endpoint[] {
  const folder = hostsFolders.find((candidate) => hasSettings(candidate, domain));
  return folder === undefined ? [...places] : configuredEndpoints(folder, domain, places);
}

/** A mirror is trusted as a registry of its name would be. */
function mirrorEndpoints(text: string, settings: RegistrySettings): Endpoint[] {
  const base = parseMirror(text);
  const { host } = new URL(base);
  const verifyTls = !isInsecure(host, settings.insecureRegistries ?? []);
  const mirror = endpoint(`${base}/v2`, {
    connection: { verifyTls },
    mirror: true,
    capabilities: ['pull', 'resolve'],
  });
  return withFolders(host, [mirror], settings);
}

/**
 * A registry that may be asked over plain HTTP: `host`, `host:port` or a subnet. Throws invalid_argument in docker's words.
 */
export function parseInsecureRegistry(text: string): string {
  const name = text.replace(/^https?:\/\//i, '');
  if (name.includes('://')) {
    throw new StackError('invalid_argument', `insecure registry ${text} should not contain '://'`);
  }
  const [address = '', prefix = ''] = name.split('/');
  if (name.includes('/')) {
    const bits = net.isIPv6(address) ? 128 : 32;
    if (net.isIP(address) && /^\d+$/.test(prefix) && Number(prefix) <= bits) return name;
  } else if (/^(\[[0-9a-f:]+\]|[0-9a-z_]([0-9a-z._-]*[0-9a-z_])?)(:\d{1,5})?$/i.test(name)) {
    return name;
  }
  throw new StackError(
    'invalid_argument',
    `insecure registry ${text} is not valid: invalid host "${name}"`,
  );
}

/** The base URL of a mirror. Throws invalid_argument that quotes what was configured. */
export function parseMirror(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new StackError(
      'invalid_argument',
      `invalid mirror: "${text}" is not an http or https URL`,
    );
  }
  if (url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new StackError(
      'invalid_argument',
      `invalid mirror: "${text}" has more than host and path`,
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** Whether plain HTTP is allowed: always on loopback, else where it was configured. */
export function isInsecure(domain: string, insecure: readonly string[]): boolean {
  const host = hostOf(domain);
  if (host === 'localhost' || insecure.includes(domain) || insecure.includes(host)) return true;
  const family = net.isIPv6(host) ? 'ipv6' : 'ipv4';
  if (!net.isIP(host)) return false;
  const list = new net.BlockList();
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addAddress('::1', 'ipv6');
  for (const subnet of insecure.filter((entry) => entry.includes('/'))) {
    const [address = '', prefix] = subnet.split('/');
    if (net.isIP(address))
      list.addSubnet(address, Number(prefix), net.isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return list.check(host, family);
}

function defaultEndpoints(domain: string, settings: RegistrySettings): Endpoint[] {
  if (domain === defaultDomain) return [endpoint(`${dockerHubUrl}/v2`)];
  if (!isInsecure(domain, settings.insecureRegistries ?? [])) {
    return [endpoint(`https://${domain}/v2`)];
  }
  const connection = { verifyTls: false };
  return [
    endpoint(`https://${domain}/v2`, { connection }),
    endpoint(`http://${domain}/v2`, { connection }),
  ];
}

/** The host of `host:port` or `[v6]:port`. */
function hostOf(domain: string): string {
  const bracketed = /^\[([^\]]+)\]/.exec(domain)?.[1];
  return bracketed ?? domain.replace(/:\d+$/, '');
}
