/** Parameters of the images' part of the API: references, platforms, credentials. */
import { decodeRegistryAuth, type RegistryCredentials } from '#lib/registry/credentials';
import { isDigest } from '#spec/digest';
import { messageOf, StackError } from '#spec/errors';
import { array, object, optional, string } from '#spec/json-decoder';
import type { Platform } from '#spec/oci/image';
import {
  formatReference,
  parseReference,
  withDefaultTag,
  withTag,
  type ImageReference,
} from '#spec/reference';
import { isAtLeast, type ApiVersion } from '../../http/api-version.ts';
import type { ApiRequest } from '../../http/request.ts';

/** What a client shows a registry, and when it goes away. Unreadable headers are tolerated, as by docker. */
export function accessOf({ headers, signal }: ApiRequest): {
  signal: AbortSignal;
  credentials?: RegistryCredentials;
} {
  const [auth] = [headers['x-registry-auth']].flat();
  const credentials = decodeRegistryAuth(auth);
  return { signal, ...(credentials && { credentials }) };
}

/** `name` with the tag or digest that stands in a parameter of its own. Throws invalid_argument in docker's words. */
export function referenceOf(name: string, tagOrDigest: string): ImageReference {
  const reference = parseReference(name);
  if (tagOrDigest === '') return reference;
  const { domain, path } = reference;
  if (isDigest(tagOrDigest)) return { domain, path, digest: tagOrDigest };
  return withTag(reference, tagOrDigest);
}

/** The name for a new image, `latest` unless it has a tag; undefined where none is wanted. Throws invalid_argument. */
export function tagReferenceOf(repository: string, tag: string): string | undefined {
  if (repository === '') return undefined;
  const reference = parseReference(repository);
  if (reference.digest !== undefined) {
    throw new StackError('invalid_argument', 'cannot import digest reference');
  }
  return formatReference(tag === '' ? withDefaultTag(reference) : withTag(reference, tag));
}

const decodePlatform = object<{
  os?: string;
  architecture?: string;
  variant?: string;
  'os.version'?: string;
  'os.features'?: string[];
}>({
  os: optional(string),
  architecture: optional(string),
  variant: optional(string),
  'os.version': optional(string),
  'os.features': optional(array(string)),
});

/** A platform as JSON (`{"os":"linux","architecture":"arm64"}`). Throws invalid_argument in docker's words. */
export function platformIn(text: string): Platform {
  let value: ReturnType<typeof decodePlatform>;
  try {
    value = decodePlatform(JSON.parse(text), '');
  } catch (error) {
    throw new StackError('invalid_argument', `failed to parse platform: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const { os = '', architecture = '', variant = '' } = value;
  const more = variant !== '' || value['os.version'] !== undefined || value['os.features'];
  if (os === '' && architecture === '' && more) {
    throw new StackError(
      'invalid_argument',
      'optional platform fields provided, but OS and Architecture are missing',
    );
  }
  if (os === '' || architecture === '') {
    throw new StackError('invalid_argument', 'both OS and Architecture must be provided');
  }
  return { os, architecture, ...(variant !== '' && { variant }) };
}

/** The `platform` parameter, which clients before `since` may send without meaning it. Throws invalid_argument for several. */
export function platformOf(
  { query, version }: ApiRequest,
  since: ApiVersion,
): Platform | undefined {
  if (!isAtLeast(version, since)) return undefined;
  const [text = '', ...others] = query.all('platform');
  if (others.length > 0) {
    throw new StackError('invalid_argument', 'multiple platform parameters not supported');
  }
  return text === '' ? undefined : platformIn(text);
}
