/**
 * Settings for registries in containerd's form (docs/hosts.md there): a folder per registry, with a `hosts.toml` or, in
 * docker's older form, certificates alone.
 *
 *     certs.d/registry.example_5000_/hosts.toml     first: a port between underscores
 *     certs.d/registry.example:5000/{ca.crt,client.cert,client.key}
 *     certs.d/_default/hosts.toml                   for those without a folder
 */
import fs from 'node:fs';
import path from 'node:path';
import { errorCode, messageOf, StackError } from '#spec/errors';
import { parseToml } from '#lib/toml/toml';
import type { ConnectionSettings } from './connection.ts';
import type { Endpoint } from './endpoint.ts';
import { parseHosts, type HostSettings } from './hosts-file.ts';

/**
 * The endpoints for `registry` by the settings in `folder`: the hosts in the order of the file, then its server.
 * `registryEndpoints` are the registry itself, for files that name no server. Throws invalid_argument that names the file.
 */
export function configuredEndpoints(
  folder: string,
  registry: string,
  registryEndpoints: readonly Endpoint[],
): Endpoint[] {
  const own = folderOf(folder, registry);
  if (own === undefined) return [...registryEndpoints];
  const file = path.join(own, 'hosts.toml');
  const text = readIfPresent(file);
  try {
    if (text === undefined) return withSettings(registryEndpoints, certificatesIn(own));
    const { hosts, server, rest } = parseHosts(parseToml(text), own);
    const first = hosts.flatMap((host) => endpointsOfHost(host, registry));
    const last = server
      ? endpointsOfHost(server, registry).map((endpoint) => ({ ...endpoint, mirror: false }))
      : withSettings(registryEndpoints, rest);
    return [...first, ...last];
  } catch (error) {
    throw new StackError('invalid_argument', `${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** Whether `folder` has settings for `registry`, or for all that have none. */
export function hasSettings(folder: string, registry: string): boolean {
  return folderOf(folder, registry) !== undefined;
}

/** Over http with certificates set, TLS is tried first: somebody meant it to be used. */
function endpointsOfHost({ url, settings }: HostSettings, registry: string): Endpoint[] {
  const { host } = new URL(url);
  const isItself = host === registry || (registry === 'docker.io' && host === dockerHubHost);
  const base: Endpoint = {
    url,
    connection: { verifyTls: true, ...settings.connection },
    mirror: !isItself,
    capabilities: settings.capabilities,
    headers: settings.headers,
    ...(isItself ? {} : { standsFor: registry }),
  };
  const { verifyTls, authorities, clientCertificates } = settings.connection;
  const isAboutTls = (verifyTls ?? authorities ?? clientCertificates) !== undefined;
  if (!url.startsWith('http:') || !isAboutTls) return [base];
  return [{ ...base, url: url.replace(/^http:/, 'https:') }, base];
}

const dockerHubHost = 'registry-1.docker.io';

function withSettings(
  endpoints: readonly Endpoint[],
  {
    connection,
    headers,
    capabilities,
  }: Partial<Omit<Endpoint, 'connection'>> & {
    connection: Partial<ConnectionSettings>;
  },
): Endpoint[] {
  return endpoints.map((endpoint) => ({
    ...endpoint,
    connection: { ...endpoint.connection, ...connection },
    ...(headers && { headers }),
    ...(capabilities && { capabilities }),
  }));
}

function folderOf(folder: string, registry: string): string | undefined {
  const names = [registry.replace(/:(\d+)$/, '_$1_'), registry, '_default'];
  return names.map((name) => path.join(folder, name)).find((candidate) => fs.existsSync(candidate));
}

/** `*.crt` are authorities, `x.cert` and `x.key` a certificate to show. */
function certificatesIn(folder: string): { connection: Partial<ConnectionSettings> } {
  const names = fs.readdirSync(folder).sort();
  const read = (name: string) => fs.readFileSync(path.join(folder, name), 'utf8');
  const authorities = names.filter((name) => name.endsWith('.crt')).map(read);
  const clientCertificates = names
    .filter((name) => name.endsWith('.cert'))
    .map((name) => {
      const key = `${name.slice(0, -'.cert'.length)}.key`;
      if (!names.includes(key)) {
        throw new StackError('invalid_argument', `"${name}" has no "${key}" beside it`);
      }
      return { certificate: read(name), key: read(key) };
    });
  return {
    connection: {
      ...(authorities.length > 0 && { authorities }),
      ...(clientCertificates.length > 0 && { clientCertificates }),
    },
  };
}

function readIfPresent(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
