/** /etc/hostname, /etc/hosts and /etc/resolv.conf of a container, kept in its folder and bind-mounted into it. */
import fs from 'node:fs';
import path from 'node:path';
import type { Logger } from '#lib/log/logger';
import { StackError } from '#spec/errors';
import { hostnameFile, hostsFile, hostsFileOfHost } from '../network/hosts-file.ts';
import type { ContainerNetwork } from '../network/network-controller.ts';
import { hostResolvConf, resolvConf } from '../network/resolv-conf.ts';
import type { EtcFiles } from '../container-spec/mounts.ts';
import type { ContainerRecord } from './container.ts';

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
  folder: string,
  { config, hostConfig }: ContainerRecord,
  { ipAddress, gateway }: ContainerNetwork,
  logger: Logger,
): Promise<void> {
  const files = etcFiles(folder);
  const hostNetwork = hostConfig.NetworkMode === 'host';
  const extraHosts = hostConfig.ExtraHosts ?? [];
  const hosts = hostNetwork
    ? hostsFileOfHost(await fs.promises.readFile('/etc/hosts', 'utf8'), extraHosts, gateway)
    : hostsFile({
        ipAddress,
        hostname: config.Hostname,
        domainname: config.Domainname,
        extraHosts,
        gateway,
      });
  const { content, usesPublicServers } = resolvConf({
    host: hostResolvConf(),
    nameServers: hostConfig.Dns,
    search: hostConfig.DnsSearch,
    options: hostConfig.DnsOptions,
    hostNetwork,
  });
  if (usesPublicServers && hostConfig.NetworkMode !== 'none') {
    logger.info('the host has no name server that a container can reach: public ones stand in');
  }
  const write = (file: string, text: string) => fs.promises.writeFile(file, text, { mode: 0o644 });
  await Promise.all([
    write(files.hostname, hostnameFile(config.Hostname)),
    write(files.hosts, hosts),
    write(files.resolvConf, content),
  ]);
}

/** Throws invalid_argument for an entry of --add-host that is not `name:address`. */
export function checkExtraHosts(entries: readonly string[]): void {
  for (const entry of entries) {
    if (!/^[^:=\s]+[:=]\S+$/.test(entry)) {
      throw new StackError('invalid_argument', `bad format for add-host: "${entry}"`);
    }
  }
}
