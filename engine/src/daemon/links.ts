/**
 * Links on the default bridge (`--link`): names, addresses and variables by which a container knows another one. On
 * networks of users links are names alone, which the engine's name server knows (container-endpoints.ts).
 */
import fs from 'node:fs';
import path from 'node:path';
import { isStackError, StackError } from '#spec/errors';
import type { HostConfig } from '../api/host-config.ts';
import { linkEnvironment } from '../container-spec/link-environment.ts';
import type { Endpoint } from '../network/network-controller.ts';
import type { Container, ContainerRecord } from './container.ts';
import type { ContainerStore } from './container-store.ts';
import type { Engine } from './engine.ts';
import { etcFiles } from './etc-files.ts';

/** Part of a container's record: by ids, because names change. */
export interface ContainerLink {
  /** What the container calls the other one. */
  alias: string;
  containerId: string;
}

/** The links that a new container asks for. Throws invalid_argument in docker's words. */
export function requestedLinks(
  { containers, settings }: Pick<Engine, 'containers' | 'settings'>,
  { Links: texts, NetworkMode: mode }: Pick<HostConfig, 'Links' | 'NetworkMode'>,
): ContainerLink[] {
  if (!texts || texts.length === 0) return [];
  for (const [kind, conflicts] of [
    ['host type networking', mode === 'host'],
    ['container type network', mode.startsWith('container:')],
  ] as const) {
    if (conflicts) throw invalid(undefinedBehaviour(kind));
  }
  if (!['bridge', 'none'].includes(mode)) return [];
  if (!settings.containersTalk) {
    throw new StackError(
      'unimplemented',
      'HostConfig.Links with --icc=false is not implemented by this engine',
    );
  }
  const byAlias = new Map<string, string>();
  for (const text of texts) {
    const { name, alias } = parseLink(text);
    const { id } = linkedContainer(containers, name);
    const other = byAlias.get(alias);
    if (other !== undefined && other !== id) {
      throw new StackError(
        'conflict',
        `Conflict. The link name "${alias}" is already in use by container "${other}".`,
      );
    }
    byAlias.set(alias, id);
  }
  return [...byAlias].map(([alias, containerId]) => ({ alias, containerId }));
}

/** `name`, `name:alias`, and as inspect shows them: `/name:/container/alias`. */
function parseLink(text: string): { name: string; alias: string } {
  if (text === '') throw invalid('empty string specified for links');
  const [name = '', alias = name, ...rest] = text.split(':');
  if (rest.length > 0 || name === '' || alias === '') {
    throw invalid(`bad format for links: ${text}`);
  }
  if (!name.startsWith('/')) return { name, alias };
  return { name: name.slice(1), alias: path.posix.basename(alias) };
}

/** The container itself, or that whose network it shares. */
function linkedContainer(containers: ContainerStore, name: string): Container {
  let container: Container;
  let reference = name;
  for (;;) {
    try {
      container = containers.get(reference);
    } catch (error) {
      if (!isStackError(error, 'not_found')) throw error;
      throw invalid(`could not get container for ${reference}: ${error.message}`, error);
    }
    const { NetworkMode: mode } = container.record.hostConfig;
    if (mode === 'host') throw invalid(undefinedBehaviour('host type networking'));
    if (!mode.startsWith('container:')) return container;
    reference = mode.slice('container:'.length);
  }
}

function undefinedBehaviour(kind: string): string {
  return `conflicting options: ${kind} can't be used with links. This would result in undefined behavior`;
}

/** The links of a container to those that still exist. */
function linksOf(
  containers: ContainerStore,
  { links = [] }: ContainerRecord,
): { alias: string; child: Container }[] {
  return links.flatMap(({ alias, containerId }) => {
    const child = containers.find(containerId);
    return child ? [{ alias, child }] : [];
  });
}

/** `HostConfig.Links` of an inspection: `/db:/web/database`; null without any. */
export function describeLinks(
  containers: ContainerStore,
  record: ContainerRecord,
): string[] | null {
  const links = linksOf(containers, record).map(
    ({ alias, child }) => `/${child.record.name}:/${record.name}/${alias}`,
  );
  return links.length > 0 ? links : null;
}

/** All names of a container, those that others have for it among them: `/db`, `/web/database`. */
export function allNames(containers: ContainerStore, { id, record }: Container): string[] {
  const given = parentsOf(containers, id).map(
    ({ parent, alias }) => `/${parent.record.name}/${alias}`,
  );
  return [`/${record.name}`, ...given].sort();
}

function parentsOf(
  containers: ContainerStore,
  childId: string,
): { parent: Container; alias: string }[] {
  return containers
    .list()
    .flatMap((parent) =>
      (parent.record.links ?? [])
        .filter(({ containerId }) => containerId === childId)
        .map(({ alias }) => ({ parent, alias })),
    );
}

function findLink(
  containers: ContainerStore,
  name: string,
): { parent: Container; child: Container; alias: string } | undefined {
  const [parentName, alias, ...rest] = name.replace(/^\//, '').split('/');
  if (!parentName || !alias || rest.length > 0) return undefined;
  const parent = containers.list().find(({ record }) => record.name === parentName);
  const link = parent && linksOf(containers, parent.record).find((item) => item.alias === alias);
  return link && { parent, ...link };
}

/** The container of this name, or that another one calls `/parent/alias`. Throws not_found. */
export function findContainer(containers: ContainerStore, name: string): Container {
  return findLink(containers, name)?.child ?? containers.get(name);
}

/** `DELETE /containers/parent/alias?link=1`. Throws conflict for a name of a container's own. */
export async function removeLink(containers: ContainerStore, name: string): Promise<void> {
  const found = findLink(containers, name);
  if (!found) {
    containers.get(name);
    throw new StackError(
      'conflict',
      'Conflict, cannot remove the default link name of the container',
    );
  }
  const { parent, alias } = found;
  await parent.mutex.run(async () => {
    parent.record.links = (parent.record.links ?? []).filter((link) => link.alias !== alias);
    await containers.save(parent);
  });
}

/** Variables of a container's processes by its links. Throws, in docker's words, where a linked container does not run. */
export function linkVariables(
  { containers, network }: Pick<Engine, 'containers' | 'network'>,
  record: ContainerRecord,
): string[] {
  if (!isOnBridge(record)) return [];
  return linksOf(containers, record).flatMap(({ alias, child }) => {
    const { id, name, config } = child.record;
    const fullName = `/${record.name}/${alias}`;
    if (!isOnBridge(child.record)) {
      throw new StackError(
        'internal',
        `Cannot link to /${name}, as it does not belong to the default network`,
      );
    }
    if (!child.isRunning) {
      throw new StackError(
        'internal',
        `Cannot link to a non running container: /${name} AS ${fullName}`,
      );
    }
    const endpoint = bridgeEndpoint(network.get(id)?.endpoints);
    if (!endpoint) {
      throw new StackError('internal', `container ${id} not attached to default bridge network`);
    }
    return linkEnvironment({
      name: fullName,
      address: endpoint.ipAddress,
      environment: config.Env ?? [],
      ports: Object.keys(config.ExposedPorts ?? {}),
    });
  });
}

/** Lines of a container's /etc/hosts by its links. */
export function linkHosts(
  { containers, network }: Pick<Engine, 'containers' | 'network'>,
  record: ContainerRecord,
): string[] {
  if (!isOnBridge(record)) return [];
  return linksOf(containers, record).flatMap(({ alias, child }) => {
    const { id, name, config } = child.record;
    const endpoint = bridgeEndpoint(network.get(id)?.endpoints);
    if (!endpoint) return [];
    const names = [alias, config.Hostname, ...(alias === name ? [] : [name])].join(' ');
    const addresses = [endpoint.ipAddress, endpoint.ipv6Address].filter((item) => item !== '');
    return addresses.map((address) => `${address}\t${names}`);
  });
}

/** Tells running containers that have a link to one which has just got its network where it is now. */
export async function tellParents(
  { containers }: Pick<Engine, 'containers'>,
  containerId: string,
  endpoints: readonly Endpoint[],
): Promise<void> {
  const endpoint = bridgeEndpoint(endpoints);
  if (!endpoint) return;
  for (const { parent, alias } of parentsOf(containers, containerId)) {
    if (!parent.isRunning) continue;
    const { hosts } = etcFiles(containers.folderOf(parent.id));
    const text = await fs.promises.readFile(hosts, 'utf8');
    const changed = text
      .split('\n')
      .map((line) => movedLine(line, alias, endpoint.ipAddress))
      .join('\n');
    // The file keeps its inode: it is mounted.
    if (changed !== text) await fs.promises.writeFile(hosts, changed);
  }
}

function movedLine(line: string, alias: string, address: string): string {
  const [old = '', names = ''] = line.split('\t', 2);
  const isOurs = names.split(/[\s.]/, 1)[0] === alias && !old.includes(':');
  return isOurs ? `${address}\t${names}` : line;
}

function isOnBridge({ networks }: ContainerRecord): boolean {
  return networks.some(({ network }) => network === 'bridge');
}

function bridgeEndpoint(endpoints: readonly Endpoint[] | undefined): Endpoint | undefined {
  return endpoints?.find(({ networkName }) => networkName === 'bridge');
}

function invalid(message: string, cause?: unknown): StackError {
  return new StackError('invalid_argument', message, cause === undefined ? {} : { cause });
}
