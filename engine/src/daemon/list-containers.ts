/** `GET /containers/json`: which containers, and their short description. */
import { humanDuration } from '#spec/human-duration';
import { StackError } from '#spec/errors';
import { isAtLeast, type ApiVersion } from '../http/api-version.ts';
import { matchesLabels, type Filters } from '../http/query.ts';
import { containerStatuses, type Container } from './container.ts';
import type { NetworkController } from '../network/network-controller.ts';
import type { ContainerStore } from './container-store.ts';
import type { Engine } from './engine.ts';
import type { Health } from './health.ts';
import { mountPoints, networkSettingsOf } from './inspect-container.ts';
import { allNames } from './links.ts';
import { portSummaries } from '../network/network-settings.ts';
import { never, unixSeconds } from './timestamps.ts';

/** Filter keys that the list takes. */
export const containerFilterKeys = [
  'ancestor',
  'before',
  'exited',
  'expose',
  'health',
  'id',
  'is-task',
  'isolation',
  'label',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
] as const;

export interface ListOptions {
  /** Stopped ones too. */
  all: boolean;
  /** The newest this many, whatever their state; 0 is no limit. */
  limit: number;
  filters: Filters;
}

/** The containers that match, newest first. Throws invalid_argument for a filter that makes no sense. */
export function selectContainers(
  { containers, network }: Pick<Engine, 'containers' | 'network'>,
  { all, limit, filters }: ListOptions,
): Container[] {
  checkFilters(filters);
  const filtersState = filters.has('status') || filters.has('exited');
  const before = boundaries(containers, filters, 'before');
  const since = boundaries(containers, filters, 'since');
  const selected = containers
    .list()
    .sort((a, b) => Date.parse(b.record.createdAt) - Date.parse(a.record.createdAt))
    .filter(
      (container) =>
        (all || limit > 0 || filtersState || isShownByDefault(container)) &&
        before.every((time) => Date.parse(container.record.createdAt) < time) &&
        since.every((time) => Date.parse(container.record.createdAt) > time) &&
        matches(network, container, filters),
    );
  return limit > 0 ? selected.slice(0, limit) : selected;
}

/** One entry of the list. */
export function summarizeContainer(
  engine: Engine,
  container: Container,
  version: ApiVersion,
): unknown {
  const { record } = container;
  const { config, hostConfig } = record;
  return {
    Id: record.id,
    Names: allNames(engine.containers, container),
    Image: config.Image,
    ImageID: record.imageId,
    Command: [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])].map(shownArgument).join(' '),
    Created: unixSeconds(record.createdAt),
    Ports: portSummaries(engine.network.get(record.id), Object.keys(config.ExposedPorts ?? {})),
    Labels: config.Labels,
    State: record.state.status,
    Status: statusText(container),
    HostConfig: {
      NetworkMode: hostConfig.NetworkMode,
      ...(isAtLeast(version, '1.46') &&
        hostConfig.Annotations && { Annotations: hostConfig.Annotations }),
    },
    NetworkSettings: { Networks: networkSettingsOf(engine, record).Networks },
    Mounts: mountPoints(engine, record),
  };
}

/** `Up 3 minutes`, `Exited (0) 2 hours ago`. */
export function statusText({ state }: Container, nowMs = Date.now()): string {
  const since = (time: string): string => humanDuration(nowMs - Date.parse(time));
  switch (state.status) {
    case 'created':
      return 'Created';
    case 'running':
      return `Up ${since(state.startedAt)}${healthText(state.health)}`;
    case 'paused':
      return `Up ${since(state.startedAt)} (Paused)`;
    case 'restarting':
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'exited':
      return state.finishedAt === never
        ? ''
        : `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
  }
}

function healthText(health: Health | undefined): string {
  if (!health) return '';
  return health.status === 'starting' ? ' (health: starting)' : ` (${health.status})`;
}

function isShownByDefault(container: Container): boolean {
  return container.isRunning || container.state.status === 'restarting';
}

function checkFilters(filters: Filters): void {
  for (const status of filters.get('status') ?? []) {
    if (!(containerStatuses as readonly string[]).includes(status)) {
      throw new StackError('invalid_argument', `invalid filter 'status=${status}'`);
    }
  }
  for (const code of filters.get('exited') ?? []) {
    if (!/^-?\d+$/.test(code)) {
      throw new StackError('invalid_argument', `invalid filter 'exited=${code}'`);
    }
  }
}

function matches(network: NetworkController, container: Container, filters: Filters): boolean {
  const { record } = container;
  const { config, networks, state, id } = record;
  const any = (key: string, holds: (value: string) => boolean): boolean => {
    const values = filters.get(key);
    return !values || values.length === 0 || values.some(holds);
  };
  return (
    any('id', (value) => id.startsWith(value)) &&
    any('name', (value) => matchesName(record.name, value)) &&
    any('status', (value) => state.status === value) &&
    any('exited', (value) => state.status === 'exited' && state.exitCode === Number(value)) &&
    any('ancestor', (value) => isAncestor(record.imageId, config.Image, value)) &&
    any('network', (value) =>
      networks.some(({ network: name }) => name === value || network.idOf(name) === value),
    ) &&
    any('volume', (value) =>
      record.mounts.some(
        (mount) =>
          mount.destination === value ||
          (mount.type === 'bind' ? mount.source : mount.name) === value,
      ),
    ) &&
    any('expose', (value) =>
      Object.keys(config.ExposedPorts ?? {}).some((port) => portMatches(port, value)),
    ) &&
    any('publish', (value) =>
      (network.get(id)?.ports ?? []).some(({ containerPort, protocol }) =>
        portMatches(`${containerPort}/${protocol}`, value),
      ),
    ) &&
    any('health', (value) => (state.health?.status ?? 'none') === value) &&
    any('is-task', (value) => value === 'false' || value === '0') &&
    any('isolation', (value) => value === '' || value === 'default') &&
    matchesLabels(config.Labels, filters.get('label'))
  );
}

/** A regular expression, found in the name with or without its slash; text that is none matches literally. */
function matchesName(name: string, pattern: string): boolean {
  try {
    const expression = new RegExp(pattern);
    return expression.test(`/${name}`) || expression.test(name);
  } catch {
    return name.includes(pattern);
  }
}

function isAncestor(imageId: string, reference: string, wanted: string): boolean {
  const hex = imageId.replace(/^sha256:/, '');
  const withTag = (text: string): string => (/:[^/]*$/.test(text) ? text : `${text}:latest`);
  return (
    withTag(reference) === withTag(wanted) ||
    imageId === wanted ||
    (/^[0-9a-f]{4,}$/.test(wanted) && hex.startsWith(wanted))
  );
}

function portMatches(port: string, wanted: string): boolean {
  return port === wanted || port === `${wanted}/tcp`;
}

/** Creation times of the containers that `before` or `since` name. */
function boundaries(containers: ContainerStore, filters: Filters, key: string): number[] {
  return (filters.get(key) ?? []).map((name) => Date.parse(containers.get(name).record.createdAt));
}

/** As docker shows a command: arguments with spaces in quotes. */
function shownArgument(argument: string): string {
  return /[\s"']/.test(argument) || argument === ''
    ? `'${argument.replaceAll("'", String.raw`'\''`)}'`
    : argument;
}
