/** What engined asks registries for users, without storing anything: search, credentials, what a name means there. */
import type { RegistryCredentials } from '#lib/registry/credentials';
import type { RegistryClient } from '#lib/registry/registry-client';
import type { SearchResult } from '#lib/registry/search';
import { StackError } from '#spec/errors';
import {
  isConfigType,
  isIndexType,
  parseImageConfig,
  parseIndex,
  parseManifest,
  type Platform,
} from '#spec/oci/image';
import { parseDocument } from '#spec/oci/image-tree';
import { defaultDomain, parseReference, withDefaultTag } from '#spec/reference';
import type { AccessOptions } from '../images/image-service.ts';

/** Names of Docker Hub in credentials and search terms. */
const dockerHubHosts: readonly string[] = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

const defaultSearchLimit = 25;

/** `GET /distribution/{name}/json`. */
export interface DistributionInspect {
  Descriptor: { mediaType: string; digest: string; size: number };
  Platforms: Platform[];
}

export interface SearchFilters {
  isOfficial?: boolean;
  isAutomated?: boolean;
  /** At least so many. */
  stars?: number;
}

export class RegistryService {
  readonly #client: RegistryClient;

  constructor(client: RegistryClient) {
    this.#client = client;
  }

  /** Checks credentials for a server (`registry.example:5000`, a URL, or empty for Docker Hub). Throws unauthenticated. */
  async authenticate(
    server: string,
    credentials: RegistryCredentials,
    signal: AbortSignal,
  ): Promise<{ Status: string; IdentityToken: string }> {
    const { identityToken } = await this.#client.login(domainOf(server), credentials, signal);
    return { Status: 'Login Succeeded', IdentityToken: identityToken ?? '' };
  }

  /** Throws invalid_argument for a term or a limit that cannot be. */
  async search(
    term: string,
    limit: number,
    filters: SearchFilters,
    access: AccessOptions,
  ): Promise<SearchResult[]> {
    if (term.includes('://')) {
      throw new StackError(
        'invalid_argument',
        `invalid repository name: repository name (${term}) should not have a scheme`,
      );
    }
    const most = limit === 0 ? defaultSearchLimit : limit;
    if (most < 1 || most > 100) {
      throw new StackError('invalid_argument', `limit ${most} is outside the range of [1, 100]`);
    }
    if (filters.isAutomated) return []; // nothing is called so any more
    const { domain, name } = splitTerm(term);
    const { isOfficial, stars = 0 } = filters;
    const found = await this.#client.search(domain, { term: name, limit: most, ...access });
    return found.filter(
      (result) =>
        (isOfficial === undefined || result.is_official === isOfficial) &&
        result.star_count >= stars,
    );
  }

  /** What a name means at its registry, asked anew. Throws what the registry says. */
  async inspectDistribution(name: string, access: AccessOptions): Promise<DistributionInspect> {
    const reference = withDefaultTag(parseReference(name));
    const repository = this.#client.repository(reference, access);
    const { digest, tag = '' } = reference;
    const { descriptor, content } = await repository.manifest(digest ?? tag);
    const { mediaType, size } = descriptor;
    const document = parseDocument(content, descriptor.digest);
    const platforms: Platform[] = [];
    if (isIndexType(mediaType)) {
      for (const { platform } of parseIndex(document).manifests) {
        if (platform) platforms.push(platform);
      }
    } else {
      const { config } = parseManifest(document);
      if (isConfigType(config.mediaType)) {
        const { architecture, os, variant } = parseImageConfig(
          parseDocument(await repository.document(config), config.digest),
        );
        platforms.push({ architecture, os, ...(variant !== undefined && { variant }) });
      }
    }
    return { Descriptor: { mediaType, digest: descriptor.digest, size }, Platforms: platforms };
  }
}

/** The registry that a server address in a client's configuration means. Throws invalid_argument. */
function domainOf(server: string): string {
  if (server === '') return defaultDomain;
  const text = server.includes('://') ? server : `https://${server}`;
  if (!URL.canParse(text)) {
    throw new StackError('invalid_argument', `unable to parse server address: "${server}"`);
  }
  // Not URL's own host, which leaves out the port that is usual.
  const host = /^[a-z]+:\/\/([^/?#]+)/i.exec(text)?.[1] ?? '';
  return dockerHubHosts.includes(host) ? defaultDomain : host;
}

/** `registry.example/team` is looked for there, everything else at Docker Hub. */
function splitTerm(term: string): { domain: string; name: string } {
  const slash = term.indexOf('/');
  const first = slash < 0 ? '' : term.slice(0, slash);
  if (!/[.:]/.test(first) && first !== 'localhost') {
    return { domain: defaultDomain, name: term.replace(/^library\//, '') };
  }
  const name = term.slice(slash + 1);
  if (!dockerHubHosts.includes(first)) return { domain: first, name };
  return { domain: defaultDomain, name: name.replace(/^library\//, '') };
}
