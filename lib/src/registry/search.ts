/** Looking for repositories: by a registry's index (the older v1 API), or in the catalog of one that has none. */
import { isStackError, StackError } from '#spec/errors';
import { array, boolean, int64, object, optional, string } from '#spec/json-decoder';
import { defaultDomain } from '#spec/reference';
import { Authenticator } from './authenticate.ts';
import type { RegistryCredentials } from './credentials.ts';
import { endpoint, type Endpoint } from './endpoint.ts';
import type { HttpClient, HttpResponse } from './http-client.ts';
import { AuthenticationRequired } from './http-error.ts';
import { RegistryError } from './registry-error.ts';

export interface SearchResult {
  name: string;
  description: string;
  star_count: number;
  is_official: boolean;
  is_automated: boolean;
}

export interface SearchQuery {
  /** What names are to contain. */
  term: string;
  limit: number;
  credentials?: RegistryCredentials;
  signal?: AbortSignal;
}

/** Answers beyond this are refused. */
const largestAnswer = 8 << 20;
/** Names that are looked through of a catalog, at most. */
const mostNames = 100_000;

/** Where Docker Hub is searched. */
const dockerHubIndex = 'https://index.docker.io/v1';

/** A result as registries write it, which leave out what is nothing. */
type WrittenResult = Pick<SearchResult, 'name'> & Partial<SearchResult>;

const parseResult = object<WrittenResult>({
  name: string,
  description: optional(string),
  star_count: optional(int64),
  is_official: optional(boolean),
  is_automated: optional(boolean),
});
const parseResults = object<{ results?: WrittenResult[] }>({
  results: optional(array(parseResult)),
});
const parseCatalog = object<{ repositories?: string[] }>({ repositories: optional(array(string)) });

/** Asks `domain`, which `endpoints` serve. Throws not_found where it can be searched in no way. */
export async function search(
  http: HttpClient,
  domain: string,
  endpoints: readonly Endpoint[],
  query: SearchQuery,
): Promise<SearchResult[]> {
  const places =
    domain === defaultDomain
      ? [endpoint(dockerHubIndex)]
      : endpoints
          .filter(({ mirror }) => !mirror)
          .map((place) => ({ ...place, url: place.url.replace(/\/v2$/, '/v1') }));
  let failure: unknown = new StackError('unavailable', `no host for ${domain} may be searched`);
  for (const place of places) {
    try {
      return await searchAt(http, place, query);
    } catch (error) {
      query.signal?.throwIfAborted();
      failure = error;
      if (error instanceof RegistryError || isStackError(error, 'unauthenticated')) break;
    }
  }
  throw failure;
}

async function searchAt(
  http: HttpClient,
  place: Endpoint,
  query: SearchQuery,
): Promise<SearchResult[]> {
  const { term, limit } = query;
  const parameters = new URLSearchParams({ q: term, n: String(limit) });
  try {
    const url = `${place.url}/search?${parameters.toString()}`;
    const { results = [] } = parseResults(await jsonOf(await ask(http, place, url, query)), '');
    return results.map((result) => ({
      description: '',
      star_count: 0,
      is_official: false,
      ...result,
      is_automated: false, // no longer told apart
    }));
  } catch (error) {
    if (!isStackError(error, 'not_found') || place.url === dockerHubIndex) throw error;
    return searchCatalog(http, place, query);
  }
}

/** Of a registry without an index: names that contain the term, in the order of the catalog. */
async function searchCatalog(
  http: HttpClient,
  place: Endpoint,
  query: SearchQuery,
): Promise<SearchResult[]> {
  const found: string[] = [];
  let url: string | undefined = `${place.url.replace(/\/v1$/, '/v2')}/_catalog?n=1000`;
  for (let seen = 0; url !== undefined && seen < mostNames && found.length < query.limit;) {
    const response: HttpResponse = await ask(http, place, url, query).catch((error: unknown) => {
      if (!isStackError(error, 'not_found')) throw error;
      throw new StackError('not_found', 'Unexpected status code 404', { cause: error });
    });
    const { repositories = [] } = parseCatalog(await jsonOf(response), '');
    seen += repositories.length;
    found.push(...repositories.filter((name) => name.includes(query.term)));
    const next = /<([^>]*)>\s*;\s*rel="?next"?/.exec(response.header('link') ?? '')?.[1];
    url = next === undefined ? undefined : new URL(next, response.url).href;
  }
  return found.slice(0, query.limit).map((name) => ({
    name,
    description: '',
    star_count: 0,
    is_official: false,
    is_automated: false,
  }));
}

async function ask(
  http: HttpClient,
  { connection, headers }: Endpoint,
  url: string,
  { credentials = {}, signal }: SearchQuery,
): Promise<HttpResponse> {
  const options = { connection, ...(signal && { signal }) };
  try {
    return await http.request(url, { ...options, headers });
  } catch (error) {
    if (!(error instanceof AuthenticationRequired)) throw error;
    const authenticator = new Authenticator(http, connection, credentials, new URL(url).host);
    const scope = 'registry:catalog:*';
    const authorization = await authenticator.answer(error.challenge, scope, signal);
    return http.request(url, { ...options, headers: { ...headers, authorization } });
  }
}

async function jsonOf(response: HttpResponse): Promise<unknown> {
  try {
    return JSON.parse((await response.body(largestAnswer)).toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new StackError('data_loss', 'error decoding registry search results', { cause: error });
  }
}
