/**
 * Image references as docker writes them: `busybox`, `127.0.0.1:5000/team/app:1.2`, `debian@sha256:…`.
 * The short forms stand for Docker Hub (`docker.io/library/busybox:latest`).
 *
 *     reference = [ domain "/" ] path [ ":" tag ] [ "@" digest ]
 */
import { isDigest, type Digest } from './digest.ts';
import { StackError } from './errors.ts';

/** A normalised reference: the domain is always present, the tag and digest only where they were written. */
export interface ImageReference {
  /** Registry host with port, `docker.io` for Docker Hub. */
  readonly domain: string;
  /** Repository on that registry, `library/busybox`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

export const defaultDomain = 'docker.io';
export const defaultTag = 'latest';

/** Repositories of Docker Hub that belong to no user. */
const officialPrefix = 'library/';
/** Docker Hub's older name, still written by some. */
const legacyDefaultDomain = 'index.docker.io';
const longestName = 255;

const domainComponent = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const domainPattern = new RegExp(
  `^(?:${domainComponent}(?:\\.${domainComponent})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`,
);
const pathComponent = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const pathPattern = new RegExp(`^${pathComponent}(?:/${pathComponent})*$`);
const tagPattern = /^\w[\w.-]{0,127}$/;

/**
 * The reference that `text` means, Docker Hub's defaults filled in except for the tag ({@link withDefaultTag}).
 * Throws `invalid_argument` in docker's words: `invalid reference format`, and the reason where there is one.
 */
export function parseReference(text: string): ImageReference {
  if (/^[0-9a-f]{64}$/.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const { domain, remainder } = splitDomain(text);
  const at = remainder.indexOf('@');
  const named = at < 0 ? remainder : remainder.slice(0, at);
  const colon = named.indexOf(':');
  const path = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const digest = at < 0 ? undefined : remainder.slice(at + 1);

  if (path !== path.toLowerCase()) {
    throw invalid(`invalid reference format: repository name (${path}) must be lowercase`);
  }
  if (!domainPattern.test(domain) || !pathPattern.test(path))
    throw invalid('invalid reference format');
  if (tag !== undefined && !tagPattern.test(tag)) throw invalid('invalid reference format');
  if (digest !== undefined && !isDigest(digest)) {
    throw invalid('invalid reference format');
  }
  if (domain.length + 1 + path.length > longestName) {
    throw invalid(`repository name must not be more than ${longestName} characters`);
  }
  return {
    domain,
    path,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  };
}

/** The same repository with another tag. Throws invalid_argument: `invalid tag format`. */
export function withTag({ domain, path }: ImageReference, tag: string): ImageReference {
  if (!tagPattern.test(tag)) throw invalid('invalid tag format');
  return { domain, path, tag };
}

/** The same reference with `latest`, unless it has a tag or a digest. */
export function withDefaultTag(reference: ImageReference): ImageReference {
  if (reference.tag !== undefined || reference.digest !== undefined) return reference;
  return { ...reference, tag: defaultTag };
}

/** The reference without tag and digest. */
export function repositoryOf({ domain, path }: ImageReference): ImageReference {
  return { domain, path };
}

/** The full form, `docker.io/library/busybox:latest`: how image stores name an image. */
export function formatReference(reference: ImageReference): string {
  return `${reference.domain}/${reference.path}${suffixOf(reference)}`;
}

/** The form that people read and write, `busybox:latest`: Docker Hub's defaults are left out. */
export function formatFamiliar(reference: ImageReference): string {
  return `${familiarName(reference)}${suffixOf(reference)}`;
}

/** {@link formatFamiliar} of the repository alone, `busybox`. */
export function familiarName({ domain, path }: ImageReference): string {
  if (domain !== defaultDomain) return `${domain}/${path}`;
  const official = path.startsWith(officialPrefix) ? path.slice(officialPrefix.length) : '';
  if (official !== '' && !official.includes('/')) return official;
  // A user of Docker Hub whose name reads like a host would be taken for one without the domain.
  return looksLikeDomain(firstComponent(path)) ? `${domain}/${path}` : path;
}

function suffixOf({ tag, digest }: ImageReference): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/**
 * What stands before the first slash is a registry only if it cannot be a user of Docker Hub: it holds a dot, a colon or
 * an upper-case letter, or is `localhost`.
 */
function splitDomain(text: string): { domain: string; remainder: string } {
  const first = firstComponent(text);
  const isDomain = looksLikeDomain(first);
  let domain = isDomain ? first : defaultDomain;
  let remainder = isDomain ? text.slice(first.length + 1) : text;
  if (domain === legacyDefaultDomain) domain = defaultDomain;
  if (domain === defaultDomain && !remainder.includes('/') && remainder !== '') {
    remainder = officialPrefix + remainder;
  }
  return { domain, remainder };
}

/** What stands before the first slash; empty without one. */
function firstComponent(text: string): string {
  return text.slice(0, Math.max(0, text.indexOf('/')));
}

function looksLikeDomain(first: string): boolean {
  return /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
}

function invalid(message: string): StackError {
  return new StackError('invalid_argument', message);
}
