/** The daemon behind the network routes: networks, and containers that join and leave them. */
import { isStackError, StackError } from '#spec/errors';
import { matchesLabels, type Filters } from '../http/query.ts';
import { untilFilter } from '../http/until-filter.ts';
import { hasLinks } from '../network/network-controller.ts';
import type { NetworkRequest } from '../network/network-store.ts';
import type { NetworksBackend } from '../routes/networks/backend.ts';
import { checkedEndpoint, endpointRequest, type EndpointWish } from './container-endpoints.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { joinedNetwork, leftNetwork } from './etc-files.ts';
import { publishNetworkEvent } from './network-events.ts';

export function networkBackend(engine: Engine): NetworksBackend {
  const { network, containers } = engine;
  return {
    networks: () => network.networks(),
    find: (reference) => network.find(reference),
    containerName: (id) => containers.find(id)?.record.name ?? '',
    create: async (request: NetworkRequest) => {
      const created = await network.create(request);
      publishNetworkEvent(engine, created, 'create');
      return created;
    },
    remove: async (reference) => {
      const found = network.find(reference);
      await network.remove(found.id);
      publishNetworkEvent(engine, found, 'destroy');
    },
    prune: (filters) => prune(engine, filters),
    connect: async (reference, name, wish) =>
      connect(engine, reference, containers.get(name), wish),
    disconnect: async (reference, name, force) => {
      const container = findOrForget(engine, name, force);
      if (container) await disconnect(engine, reference, container);
    },
  };
}

async function connect(
  engine: Engine,
  reference: string,
  container: Container,
  wish: EndpointWish,
): Promise<void> {
  const { network, containers } = engine;
  await container.mutex.run(async () => {
    const { record } = container;
    const found = network.find(reference);
    const { name } = found;
    const mode = record.hostConfig.NetworkMode;
    if (!hasLinks(found.driver) || ['host', 'none'].includes(mode) || mode.includes(':')) {
      throw new StackError(
        'permission_denied',
        `container cannot be connected to network ${name} while its network mode is "${mode}"`,
      );
    }
    if (record.networks.some((config) => config.network === name)) {
      throw new StackError(
        'permission_denied',
        `endpoint with name ${record.name} already exists in network ${name}`,
      );
    }
    const config = checkedEndpoint(network, name, wish);
    if (container.isRunning) {
      const endpoint = await network.connect(record.id, endpointRequest(record, config));
      await joinedNetwork(engine, container, endpoint);
    }
    record.networks.push(config);
    await containers.save(container);
    // One that does not run comes into its networks when it starts.
    if (container.isRunning) publishNetworkEvent(engine, found, 'connect', container.id);
  });
}

async function disconnect(engine: Engine, reference: string, container: Container): Promise<void> {
  const { network, containers } = engine;
  await container.mutex.run(async () => {
    const { record } = container;
    const found = network.find(reference);
    const { name } = found;
    if (name === 'host') {
      throw new StackError(
        'permission_denied',
        'container cannot be disconnected from host network or connected to host network',
      );
    }
    const index = record.networks.findIndex((config) => config.network === name);
    if (index < 0) {
      throw new StackError(
        'permission_denied',
        `container ${container.id} is not connected to network ${name}`,
      );
    }
    if (container.isRunning) {
      const endpoint = network
        .get(record.id)
        ?.endpoints.find(({ networkId }) => networkId === found.id);
      if (endpoint) {
        await network.disconnect(record.id, found.id);
        await leftNetwork(engine, container, endpoint);
        publishNetworkEvent(engine, found, 'disconnect', container.id); // dockerd tells of the endpoint, and below of the wish
      }
    }
    record.networks.splice(index, 1);
    await containers.save(container);
    publishNetworkEvent(engine, found, 'disconnect', container.id);
  });
}

/** With `force`, a container that does not exist is no error: there is nothing to disconnect. */
function findOrForget({ containers }: Engine, name: string, force: boolean): Container | undefined {
  try {
    return containers.get(name);
  } catch (error) {
    if (force && isStackError(error, 'not_found')) return undefined;
    throw error;
  }
}

/** Removes the networks of users that no container asks for. */
async function prune(engine: Engine, filters: Filters): Promise<string[]> {
  const { network, containers, events } = engine;
  const used = new Set(
    containers.list().flatMap(({ record }) => record.networks.map((config) => config.network)),
  );
  const unwanted = filters.get('label!') ?? [];
  const until = untilFilter(filters);
  const deleted: string[] = [];
  for (const found of network.networks()) {
    const { id, name, labels, driver, created } = found;
    if (!hasLinks(driver) || name === 'bridge' || used.has(name)) continue;
    if (until !== undefined && Date.parse(created) > until) continue;
    if (!matchesLabels(labels, filters.get('label'))) continue;
    if (unwanted.some((label) => matchesLabels(labels, [label]))) continue;
    await network.remove(id);
    publishNetworkEvent(engine, found, 'destroy');
    deleted.push(name);
  }
  events.publish('network', 'prune', '', { reclaimed: '0' });
  return deleted;
}
