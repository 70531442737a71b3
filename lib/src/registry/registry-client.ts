/** A client of the distribution API (OCI distribution specification 1.1, Docker Registry HTTP API V2). */
import { digestOf, Digester, parseDigest, algorithmOf, type Digest } from '#spec/digest';
import { StackError } from '#spec/errors';
import { array, object, optional, string } from '#spec/json-decoder';
import type { Descriptor } from '#spec/oci/image';
import type { ImageReference } from '#spec/reference';
import type { CredentialSource, RegistryCredentials } from './credentials.ts';
import {
  endpointsOf,
  parseInsecureRegistry,
  parseMirror,
  type RegistrySettings,
} from './endpoints.ts';
import { HttpClient, type HttpResponse } from './http-client.ts';
import { TemporaryFailure } from './http-error.ts';
import { login, type LoggedIn } from './login.ts';
import { explained, manifestTypeOf, manifestTypes } from './manifest.ts';
import { defaultRetryPolicy, waitToRetry, withRetries, type RetryPolicy } from './retry.ts';
import { search, type SearchQuery, type SearchResult } from './search.ts';
import { RepositorySession } from './session.ts';
import type { Slots } from '#lib/concurrency/slots';
import {
  areSameLimits,
  checkedTransferLimits,
  slotsOf,
  type TransferLimits,
} from './transfer-limits.ts';

export interface RegistryClientOptions extends RegistrySettings {
  userAgent?: string;
  retries?: RetryPolicy;
}

export interface AccessOptions {
  credentials?: CredentialSource;
  signal?: AbortSignal;
  /** Whether requests are begun again as often as {@link TransferLimits.downloadAttempts} says. */
  forDownload?: boolean;
}

/** A document that a registry has under a tag or digest, verified. */
export interface FetchedDocument {
  descriptor: Descriptor & { digest: Digest };
  content: Buffer;
}

/** Layers that a pull should download at the same time: as many as docker. */
export const parallelDownloads = 3;

/** Documents beyond this are refused: a manifest that size is an attack (docker has the same limit). */
const largestDocument = 4 << 20;

export class RegistryClient {
  #settings: RegistrySettings;
  readonly #retries: RetryPolicy;
  #limits: TransferLimits = {};
  #downloads: Slots | undefined;
  #uploads: Slots | undefined;
  readonly #http: HttpClient;

  /** Throws invalid_argument for mirrors and insecure registries that cannot be. */
  constructor({
    userAgent = 'engine',
    retries = defaultRetryPolicy,
    ...settings
  }: RegistryClientOptions = {}) {
    this.#settings = settings;
    this.configure(settings);
    this.#retries = retries;
    this.#http = new HttpClient(userAgent);
  }

  /**
   * A session with the repository of `reference`: it remembers which endpoint answered and the tokens it got.
   * Use one for all requests of a pull or a push. Throws invalid_argument for settings that cannot be read.
   */
  repository(reference: ImageReference, access: AccessOptions = {}): RemoteRepository {
    const endpoints = endpointsOf(reference.domain, this.#settings);
    const session = new RepositorySession({ http: this.#http, endpoints, reference, ...access });
    const attempts = access.forDownload ? this.#limits.downloadAttempts : undefined;
    return new RemoteRepository(session, {
      ...this.#retries,
      ...(attempts !== undefined && { attempts }),
    });
  }

  /**
   * What is asked for from now on goes by these settings; what is under way keeps those it began with. Throws
   * invalid_argument.
   */
  configure({ mirrors = [], insecureRegistries = [], ...changed }: RegistrySettings): void {
    this.#settings = {
      ...this.#settings,
      ...changed,
      mirrors: mirrors.map(parseMirror),
      insecureRegistries: insecureRegistries.map(parseInsecureRegistry),
    };
  }

  /** Limits what begins from now on. Throws invalid_argument. */
  limit(limits: TransferLimits): void {
    checkedTransferLimits(limits);
    if (areSameLimits(limits, this.#limits)) return; // what is under way goes on counting
    this.#limits = limits;
    this.#downloads = slotsOf(limits.downloads);
    this.#uploads = slotsOf(limits.uploads);
  }

  /** Slots for downloads that all pulls share; undefined where each has its own {@link parallelDownloads}. */
  get downloads(): Slots | undefined {
    return this.#downloads;
  }

  /** Slots for uploads that all pushes share; undefined where each has its own. */
  get uploads(): Slots | undefined {
    return this.#uploads;
  }

  /** Whether a client without any settings would ask the same places in the same way. */
  usesDefaults({ domain }: ImageReference): boolean {
    const { downloads, downloadAttempts } = this.#limits;
    if (downloads !== undefined || downloadAttempts !== undefined) return false;
    const places = JSON.stringify(endpointsOf(domain, this.#settings));
    return places === JSON.stringify(endpointsOf(domain, {}));
  }

  /** Whether a registry (`registry.example:5000`) takes credentials. Throws as {@link login}. */
  login(domain: string, credentials: RegistryCredentials, signal?: AbortSignal): Promise<LoggedIn> {
    return login(this.#http, endpointsOf(domain, this.#settings), credentials, signal);
  }

  /** Repositories of a registry by what their names contain. Throws as {@link search}. */
  search(domain: string, query: SearchQuery): Promise<SearchResult[]> {
    return search(this.#http, domain, endpointsOf(domain, this.#settings), query);
  }

  /** Closes idle connections. */
  close(): void {
    this.#http.close();
  }
}

/** One repository of a registry, as one user sees it. */
export class RemoteRepository {
  readonly session: RepositorySession;
  readonly retries: RetryPolicy;

  constructor(session: RepositorySession, retries: RetryPolicy) {
    this.session = session;
    this.retries = retries;
  }

  /** The manifest or index that the reference's digest or tag names. Errors are in docker's words. */
  async resolve(): Promise<FetchedDocument> {
    const { reference } = this.session;
    const { digest, tag = 'latest' } = reference;
    try {
      return await this.manifest(digest ?? tag);
    } catch (error) {
      throw explained(error, reference);
    }
  }

  /** A manifest or index by tag or digest. Throws data_loss if it is not what the digest says. */
  async manifest(tagOrDigest: string): Promise<FetchedDocument> {
    const request = {
      capability: tagOrDigest.includes(':') ? 'pull' : 'resolve',
      headers: { accept: manifestTypes.join(', ') },
    } as const;
    return withRetries(
      this.retries,
      async () => {
        const response = await this.session.request(`manifests/${tagOrDigest}`, request);
        const content = await response.body(largestDocument);
        const type = response.header('content-type')?.split(';')[0]?.trim() ?? '';
        const mediaType = manifestTypeOf(content, type);
        const digest = digestOf(content);
        if (tagOrDigest.includes(':')) verify(parseDigest(tagOrDigest), content);
        return { descriptor: { mediaType, digest, size: content.length }, content };
      },
      this.session.signal,
    );
  }

  /** All tags of the repository, as the registry sorts them. Errors are in docker's words. */
  async tags(): Promise<string[]> {
    const tags: string[] = [];
    let path: string | undefined = 'tags/list';
    try {
      while (path !== undefined) {
        const page = await this.#tagsPage(path);
        tags.push(...page.tags);
        path = page.next;
      }
    } catch (error) {
      throw explained(error, this.session.reference);
    }
    return tags;
  }

  async #tagsPage(path: string): Promise<{ tags: string[]; next: string | undefined }> {
    return withRetries(
      this.retries,
      async () => {
        const response = await this.session.request(path, { capability: 'resolve' });
        const { tags } = parseTags(await jsonOf(response), 'tags');
        // RFC 5988: `</v2/…/tags/list?n=100&last=x>; rel="next"`
        const next = /<([^>]*)>\s*;\s*rel="?next"?/.exec(response.header('link') ?? '')?.[1];
        const query = next === undefined ? '' : new URL(next, response.url).search;
        return { tags: tags ?? [], next: next === undefined ? undefined : `tags/list${query}` };
      },
      this.session.signal,
    );
  }

  /** A small blob as a whole, such as an image's config. */
  async document(descriptor: Descriptor): Promise<Buffer> {
    if (descriptor.size > largestDocument) {
      throw new StackError(
        'resource_exhausted',
        `${descriptor.digest} has ${descriptor.size} bytes: too large`,
      );
    }
    const parts: Buffer[] = [];
    for await (const part of this.blob(descriptor)) parts.push(part);
    return Buffer.concat(parts);
  }

  /**
   * A blob from `offset` on. Broken connections are taken up again where they broke. A blob read from its start is
   * verified, unless the caller does that: throws data_loss, after the last byte, if it is not what its descriptor says.
   */
  async *blob(
    descriptor: Descriptor,
    offset = 0,
    { verify: verified = offset === 0 } = {},
  ): AsyncGenerator<Buffer> {
    const expected = parseDigest(descriptor.digest);
    const digester = verified ? new Digester(algorithmOf(expected)) : undefined;
    let position = offset;
    let attempt = 0;
    while (position < descriptor.size) {
      try {
        const response = await this.#openBlob(descriptor, position);
        for await (const bytes of response.stream()) {
          position += bytes.length;
          if (position > descriptor.size) throw wrongSize(descriptor, position);
          digester?.update(bytes);
          attempt = 0; // it makes progress
          yield bytes;
        }
        if (position < descriptor.size) {
          throw new TemporaryFailure('unavailable', `${descriptor.digest}: unexpected EOF`);
        }
      } catch (error) {
        await waitToRetry(this.retries, ++attempt, error, this.session.signal);
      }
    }
    const actual = digester?.digest();
    if (actual !== undefined && actual !== expected) throw wrongDigest(expected, actual);
  }

  async #openBlob(descriptor: Descriptor, position: number): Promise<HttpResponse> {
    const headers = position > 0 ? { range: `bytes=${position}-` } : {};
    const request = { capability: 'pull', headers } as const;
    const response = await this.session.request(`blobs/${descriptor.digest}`, request);
    if (position === 0 || response.status === 206) return response;
    return { ...response, stream: () => skip(response.stream(), position) }; // a server without ranges
  }
}

const parseTags = object<{ tags?: string[] }>({ tags: optional(array(string)) });

async function jsonOf(response: HttpResponse): Promise<unknown> {
  try {
    return JSON.parse((await response.body(largestDocument)).toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new StackError('data_loss', `${response.url} answers with what is not JSON`, {
      cause: error,
    });
  }
}

function verify(expected: Digest, content: Buffer): void {
  const digester = new Digester(algorithmOf(expected));
  digester.update(content);
  const actual = digester.digest();
  if (actual !== expected) throw wrongDigest(expected, actual);
}

function wrongDigest(expected: Digest, actual: Digest): StackError {
  return new StackError(
    'data_loss',
    `content has the wrong digest: expected ${expected}, got ${actual}`,
  );
}

function wrongSize({ digest, size }: Descriptor, atLeast: number): StackError {
  return new StackError(
    'data_loss',
    `${digest} has ${size} bytes, the registry sends at least ${atLeast}`,
  );
}

async function* skip(source: AsyncGenerator<Buffer>, count: number): AsyncGenerator<Buffer> {
  let left = count;
  for await (const bytes of source) {
    if (bytes.length > left) yield bytes.subarray(left);
    left = Math.max(0, left - bytes.length);
  }
}
