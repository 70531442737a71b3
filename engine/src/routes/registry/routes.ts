/** What is asked of registries: /auth, /images/search, /distribution. */
import { decodeCredentials } from '#lib/registry/credentials';
import { StackError } from '#spec/errors';
import { booleanFilter, type Filters } from '../../http/query.ts';
import type { ApiRequest } from '../../http/request.ts';
import type { Route } from '../../http/router.ts';
import type { RegistryService } from '../../registry/registry-service.ts';
import { answerRegistryFailure } from '../images/message-stream.ts';
import { accessOf } from '../images/parameters.ts';

export type RegistryBackend = Pick<
  RegistryService,
  'authenticate' | 'search' | 'inspectDistribution'
>;

export function registryRoutes(registry: RegistryBackend): Route[] {
  const route = (
    method: Route['method'],
    path: string,
    answer: (registry: RegistryBackend, request: ApiRequest) => Promise<unknown>,
  ): Route => ({
    method,
    path,
    handler: async (request, response) => {
      try {
        response.json(200, await answer(registry, request));
      } catch (error) {
        answerRegistryFailure(response, error);
      }
    },
  });
  return [
    route('POST', '/auth', authenticate),
    route('GET', '/images/search', search),
    route('GET', '/distribution/{name}/json', (all, request) =>
      all.inspectDistribution(request.parameter('name'), accessOf(request)),
    ),
  ];
}

async function authenticate(registry: RegistryBackend, request: ApiRequest): Promise<unknown> {
  const body = await request.json();
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new StackError('invalid_argument', 'credentials are expected as a JSON object');
  }
  const { serverAddress = '', ...credentials } = decodeCredentials(body);
  return registry.authenticate(serverAddress, credentials, request.signal);
}

async function search(registry: RegistryBackend, request: ApiRequest): Promise<unknown> {
  const { query } = request;
  const text = query.text('limit');
  if (text !== '' && !/^\d+$/.test(text)) {
    throw new StackError('invalid_argument', `invalid limit specified: "${text}"`);
  }
  const filters = query.filters(['is-automated', 'is-official', 'stars']);
  const isOfficial = booleanFilter(filters, 'is-official');
  const isAutomated = booleanFilter(filters, 'is-automated');
  const wanted = {
    ...(isOfficial !== undefined && { isOfficial }),
    ...(isAutomated !== undefined && { isAutomated }),
    stars: starsIn(filters),
  };
  const access = accessOf(request);
  return registry.search(query.text('term'), Number(text), wanted, access);
}

function starsIn(filters: Filters): number {
  const counts = (filters.get('stars') ?? []).map((text) => {
    if (/^[+-]?\d+$/.test(text)) return Number(text);
    throw new StackError('invalid_argument', `invalid filter 'stars=${text}'`);
  });
  return Math.max(0, ...counts);
}
