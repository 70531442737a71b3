/** The target of a request as Go's server and its router read it: decoded once, and never with `..` in it. */

export interface RequestTarget {
  /** Decoded; what routes are matched with. */
  path: string;
  /** What follows the first `?`, still encoded. */
  search: string;
}

export type ParsedTarget =
  | ({ kind: 'target' } & RequestTarget)
  /** The path has empty, `.` or `..` parts: clients are sent to the path without them, as docker sends them. */
  | { kind: 'redirect'; location: string }
  | { kind: 'malformed' }
  /** Escapes that are no UTF-8: nothing here has such a name. */
  | { kind: 'unknown' }
  | { kind: 'too long' };

/** Names of images and containers are far shorter. What is longer would only cost time. */
const longestPath = 16_384;

export function parseTarget(url: string): ParsedTarget {
  // Also in absolute form, as for a proxy (RFC 9112, section 3.2.2).
  const origin = url.replace(/^https?:\/\/[^/?]*/i, '');
  const [encoded = ''] = origin.split('?', 1);
  const search = origin.slice(encoded.length + 1);
  if (encoded.length > longestPath) return { kind: 'too long' };
  if (/%(?![0-9a-fA-F]{2})/.test(encoded)) return { kind: 'malformed' };
  let path: string;
  try {
    path = decodeURIComponent(encoded);
  } catch {
    return { kind: 'unknown' };
  }
  const clean = cleanPath(path);
  if (clean === path) return { kind: 'target', path, search };
  const location = clean.split('/').map(encodeURIComponent).join('/');
  return { kind: 'redirect', location: search === '' ? location : `${location}?${search}` };
}

/** Go's path.Clean for an absolute path; a slash at the end stays. */
function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const slash = path.endsWith('/') && parts.length > 0 ? '/' : '';
  return `/${parts.join('/')}${slash}`;
}
