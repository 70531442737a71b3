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
    for (const type of filters.get('type') ?? []) {
      if (type !== 'builtin' && type !== 'custom') {
        throw new StackError('invalid_argument', `invalid filter: 'type'='${type}'`);
      }
    }
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
        const reference = request.parameter('id');
        request.query.boolean('verbose'); // of services of a swarm, of which there are none
        const scope = request.query.text('scope');
        if (scope !== '' && scope !== 'local') {
          throw new StackError('not_found', `network ${reference} not found`);
        }
        const network = backend.find(reference);
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
    any('name', (value) => fits(name, value)) &&
    any('id', (value) => fits(id, value)) &&
    any('driver', (value) => driver === value) &&
    any('scope', (value) => value === 'local') &&
    any('type', (value) => value === (isBuiltin ? 'builtin' : 'custom')) &&
    matchesLabels(labels, filters.get('label')) &&
    // Predefined networks are never dangling.
    (dangling === undefined || dangling === (!isBuiltin && containers.length === 0))
  );
}

/**
 * docker's way with names and ids: the same, or a regular expression found in it. Of those only `^`, `$` and `.*`:
 * whole ones, from outside, could keep the engine busy for ever.
 */
function fits(text: string, pattern: string): boolean {
  if (text === pattern) return true;
  const isBeginning = pattern.startsWith('^');
  const isEnd = pattern.endsWith('$');
  const pieces = pattern.slice(isBeginning ? 1 : 0, isEnd ? -1 : undefined).split('.*');
  const last = pieces.pop() ?? '';
  let at = 0;
  for (const [index, piece] of pieces.entries()) {
    const found = text.indexOf(piece, at);
    if (found < 0 || (index === 0 && isBeginning && found > 0)) return false;
    at = found + piece.length;
  }
  if (pieces.length === 0 && isBeginning && !text.startsWith(last)) return false;
  if (!isEnd) return text.includes(last, at);
  if (pieces.length === 0 && isBeginning) return text === last;
  return text.length - last.length >= at && text.endsWith(last);
}
