/** /etc/hostname, /etc/hosts and /etc/resolv.conf of a container, kept in its folder and bind-mounted into it. */
import fs from 'node:fs';
import path from 'node:path';
import type { Logger } from '#lib/log/logger';
import { StackError } from '#spec/errors';
import {
  hostnameFile,
  hostsFile,
  hostsFileOfHost,
  needsHostGateway,
  ownLine,
} from '../network/hosts-file.ts';
import type { ContainerNetwork, Endpoint } from '../network/network-controller.ts';
import { hostResolvConf, resolvConf, resolvConfOfNames } from '../network/resolv-conf.ts';
import type { EtcFiles } from '../container-spec/mounts.ts';
import type { Container, ContainerRecord } from './container.ts';
import { isUserDefined } from './container-endpoints.ts';
import { linkHosts } from './links.ts';
import type { Engine } from './engine.ts';
import { remappingOf } from './root-mounts.ts';

/** Where the files of a container lie. */
export function etcFiles(folder: string): EtcFiles {
  return {
    hostname: path.join(folder, 'hostname'),
    hosts: path.join(folder, 'hosts'),
    resolvConf: path.join(folder, 'resolv.conf'),
  };
}

/** Writes all three for the next start; `network` is what the container was given. */
export async function writeEtcFiles(
  engine: Pick<Engine, 'containers' | 'network' | 'logger' | 'remapping'>,
  record: ContainerRecord,
  { endpoints }: ContainerNetwork,
): Promise<void> {
  const { containers, network, logger } = engine;
  const { config, hostConfig } = record;
  const gateways = network.hostGateways();
  if (gateways.length === 0 && (hostConfig.ExtraHosts ?? []).some(needsHostGateway)) {
    throw new StackError(
      'invalid_argument',
      'unable to derive the IP value for host-gateway: there is no default bridge',
    );
  }
  const files = etcFiles(containers.folderOf(record.id));
  const hostNetwork = hostConfig.NetworkMode === 'host';
  const extraHosts = hostConfig.ExtraHosts ?? [];
  const hosts = hostNetwork
    ? hostsFileOfHost(await fs.promises.readFile('/etc/hosts', 'utf8'), extraHosts, gateways)
    : hostsFile({
        ipAddresses: endpoints.flatMap(ownAddresses),
        hostname: config.Hostname,
        domainname: config.Domainname,
        extraHosts,
        gateways,
        links: linkHosts(engine, record),
      });
  const owner = remappingOf(engine, record)?.root;
  const write = async (file: string, text: string): Promise<void> => {
    await fs.promises.writeFile(file, text, { mode: 0o644 });
    if (owner) await fs.promises.chown(file, owner.uid, owner.gid);
  };
  await Promise.all([
    write(files.hostname, hostnameFile(config.Hostname)),
    write(files.hosts, hosts),
    write(files.resolvConf, resolvConfOf(record, logger)),
  ]);
}

function resolvConfOf({ hostConfig, networks }: ContainerRecord, logger: Logger): string {
  const wanted = {
    host: hostResolvConf(),
    search: hostConfig.DnsSearch,
    options: hostConfig.DnsOptions,
  };
  if (networks.some(isUserDefined)) return resolvConfOfNames(wanted);
  const hostNetwork = hostConfig.NetworkMode === 'host';
  const { content, usesPublicServers } = resolvConf({
    ...wanted,
    nameServers: hostConfig.Dns,
    hostNetwork,
  });
  if (usesPublicServers && hostConfig.NetworkMode !== 'none') {
    logger.info('the host has no name server that a container can reach: public ones stand in');
  }
  return content;
}

/** Tells a running container of its place in one more network. The files keep their inodes: they are mounted. */
export async function joinedNetwork(
  { containers, logger }: Pick<Engine, 'containers' | 'logger'>,
  { id, record }: Container,
  endpoint: Endpoint,
): Promise<void> {
  const files = etcFiles(containers.folderOf(id));
  const { Hostname: hostname, Domainname: domainname } = record.config;
  const lines = ownAddresses(endpoint).map((ip) => `${ownLine(ip, hostname, domainname)}\n`);
  await fs.promises.appendFile(files.hosts, lines.join(''));
  const { networkName, ipAddress } = endpoint;
  const config = { network: networkName, aliases: [], ipAddress, mac: '' };
  const joined = { ...record, networks: [...record.networks, config] };
  await fs.promises.writeFile(files.resolvConf, resolvConfOf(joined, logger));
}

/** Takes back what {@link joinedNetwork} or the start wrote of a network. */
export async function leftNetwork(
  { containers }: Pick<Engine, 'containers'>,
  { id }: Container,
  endpoint: Endpoint,
): Promise<void> {
  const { hosts } = etcFiles(containers.folderOf(id));
  const lines = (await fs.promises.readFile(hosts, 'utf8')).split('\n');
  const gone = ownAddresses(endpoint);
  const kept = lines.filter((line) => !gone.some((address) => line.startsWith(`${address}\t`)));
  await fs.promises.writeFile(hosts, kept.join('\n'));
}

/** The addresses that an endpoint has. */
function ownAddresses({ ipAddress, ipv6Address }: Endpoint): string[] {
  return [ipAddress, ipv6Address].filter((address) => address !== '');
}

/** Throws invalid_argument for an entry of --add-host that is not `name:address`. */
export function checkExtraHosts(entries: readonly string[]): void {
  for (const entry of entries) {
    if (!/^[^:=\s]+[:=]\S+$/.test(entry)) {
      throw new StackError('invalid_argument', `bad format for add-host: "${entry}"`);
    }
  }
}
