/** /networks: the networks that every engine has; others cannot be made yet. */
import { StackError } from '#spec/errors';
import type { Route } from '../../http/router.ts';
import type { NetworkDescription } from '../../network/network-controller.ts';
import { findNetwork, networkResource } from '../../network/network-resource.ts';

export interface NetworksBackend {
  networks(): NetworkDescription[];
  containerName(id: string): string;
}

const filterKeys = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'] as const;

export function networkRoutes(backend: NetworksBackend): Route[] {
  const list: Route['handler'] = async ({ query }, response) => {
    const filters = query.filters(filterKeys);
    const any = (key: (typeof filterKeys)[number], holds: (value: string) => boolean): boolean =>
      (filters.get(key) ?? []).length === 0 || (filters.get(key) ?? []).some(holds);
    const networks = backend.networks().filter(
      ({ name, id, driver }) =>
        any('name', (value) => name.includes(value)) &&
        any('id', (value) => id.startsWith(value)) &&
        any('driver', (value) => driver === value) &&
        any('scope', (value) => value === 'local') &&
        any('type', (value) => value === 'builtin') &&
        any('label', () => false) &&
        // Predefined networks are never dangling.
        any('dangling', (value) => value === 'false' || value === '0'),
    );
    response.json(
      200,
      networks.map((network) => networkResource(network)),
    );
  };
  return [
    { method: 'GET', path: '/networks', handler: list },
    { method: 'GET', path: '/networks/', handler: list },
    {
      method: 'GET',
      path: '/networks/{id}',
      handler: async (request, response) => {
        const id = request.parameter('id');
        const network = findNetwork(backend.networks(), id);
        if (!network) throw new StackError('not_found', `network ${id} not found`);
        response.json(
          200,
          networkResource(network, (container) => backend.containerName(container)),
        );
      },
    },
    {
      method: 'DELETE',
      path: '/networks/{id}',
      handler: async (request) => {
        const id = request.parameter('id');
        const network = findNetwork(backend.networks(), id);
        if (!network) throw new StackError('not_found', `network ${id} not found`);
        throw new StackError(
          'permission_denied',
          `${network.name} is a pre-defined network and cannot be removed`,
        );
      },
    },
  ];
}
