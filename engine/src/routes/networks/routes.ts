/** /networks: list, inspect, create, remove, connect, disconnect, prune. */
import { anything, boolean, optional, string } from '#spec/json-decoder';
import { StackError } from '#spec/errors';
import { goObject } from '../../api/go-json.ts';
import { booleanFilter, matchesLabels, type Filters } from '../../http/query.ts';
import { isAtLeast } from '../../http/api-version.ts';
import type { Route } from '../../http/router.ts';
import { builtinNetworks, type NetworkDescription } from '../../network/network-controller.ts';
import { decodeNetworkRequest } from '../../network/network-request.ts';
import { networkResource } from '../../network/network-resource.ts';
import { decodeEndpoint } from '../containers/endpoint-settings.ts';
import type { NetworksBackend } from './backend.ts';

const filterKeys = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'] as const;

const decodeConnect = goObject<{ Container?: string; EndpointConfig?: unknown }>({
  Container: optional(string),
  EndpointConfig: optional(anything),
});

const decodeDisconnect = goObject<{ Container?: string; Force?: boolean }>({
  Container: optional(string),
  Force: optional(boolean),
});

export function networkRoutes(backend: NetworksBackend): Route[] {
  const list: Route['handler'] = async ({ query, version }, response) => {
    const filters = query.filters(filterKeys);
    const networks = backend.networks().filter((network) => matches(network, filters));
    response.json(
      200,
      // Before 1.28 the list had what an inspection has.
      networks.map((network) =>
        isAtLeast(version, '1.28')
          ? networkResource(network)
          : networkResource(network, (id) => backend.containerName(id)),
      ),
    );
  };
  return [
    { method: 'GET', path: '/networks', handler: list },
    { method: 'GET', path: '/networks/', handler: list },
    {
      method: 'POST',
      path: '/networks/create',
      handler: async (request, response) => {
        const { warning, ...wanted } = decodeNetworkRequest(await request.json());
        const { id } = await backend.create(wanted);
        response.json(201, { Id: id, Warning: warning });
      },
    },
    {
      method: 'POST',
      path: '/networks/prune',
      handler: async ({ query }, response) => {
        const filters = query.filters(['label', 'label!', 'until']);
        if (filters.has('until')) {
          throw new StackError(
            'unimplemented',
            'the prune filter "until" is not implemented by this engine',
          );
        }
        response.json(200, { NetworksDeleted: await backend.prune(filters) });
      },
    },
    {
      method: 'POST',
      path: '/networks/{id}/connect',
      handler: async (request, response) => {
        const { Container = '', EndpointConfig } = decodeConnect((await request.json()) ?? {}, '');
        const wish = decodeEndpoint(EndpointConfig, 'EndpointConfig');
        await backend.connect(request.parameter('id'), Container, wish);
        response.empty(200);
      },
    },
    {
      method: 'POST',
      path: '/networks/{id}/disconnect',
      handler: async (request, response) => {
        const { Container = '', Force = false } = decodeDisconnect(
          (await request.json()) ?? {},
          '',
        );
        await backend.disconnect(request.parameter('id'), Container, Force);
        response.empty(200);
      },
    },
    {
      method: 'GET',
      path: '/networks/{id}',
      handler: async (request, response) => {
        const network = backend.find(request.parameter('id'));
        response.json(
          200,
          networkResource(network, (container) => backend.containerName(container)),
        );
      },
    },
    {
      method: 'DELETE',
      path: '/networks/{id}',
      handler: async (request, response) => {
        await backend.remove(request.parameter('id'));
        response.empty(204);
      },
    },
  ];
}

function matches(
  { name, id, driver, labels, containers }: NetworkDescription,
  filters: Filters,
): boolean {
  const any = (key: (typeof filterKeys)[number], holds: (value: string) => boolean): boolean =>
    (filters.get(key) ?? []).length === 0 || (filters.get(key) ?? []).some(holds);
  const isBuiltin = (builtinNetworks as readonly string[]).includes(name);
  const dangling = booleanFilter(filters, 'dangling');
  return (
    any('name', (value) => name.includes(value)) &&
    any('id', (value) => id.startsWith(value)) &&
    any('driver', (value) => driver === value) &&
    any('scope', (value) => value === 'local') &&
    any('type', (value) => value === (isBuiltin ? 'builtin' : 'custom')) &&
    matchesLabels(labels, filters.get('label')) &&
    // Predefined networks are never dangling.
    (dangling === undefined || dangling === (!isBuiltin && containers.length === 0))
  );
}
