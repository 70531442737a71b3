/**
 * docker's rules for the two sides of `cp`: what a path means that ends in `/` or `/.`, and under which name things
 * arrive. Paths are the host's and the container's alike: both are Linux'.
 */
import path from 'node:path';
import { StackError } from '#spec/errors';

/** One side of a copy. */
export interface CopyPlace {
  path: string;
  exists: boolean;
  isDirectory: boolean;
  /** The last name that was asked for, where following a link has led to another. */
  rebaseName?: string | undefined;
}

/** Where an archive is to be unpacked, and how its first name changes on the way. */
export interface CopyPlan {
  folder: string;
  rename: { from: string; to: string } | undefined;
}

/** `CONTAINER:PATH` or a path of this machine: one that begins with `/` or `.` is ours, whatever colons it has. */
export function splitCopyArgument(argument: string): { container: string; path: string } {
  const colon = argument.indexOf(':');
  if (argument.startsWith('/') || argument.startsWith('.') || colon < 0) {
    return { container: '', path: argument };
  }
  return { container: argument.slice(0, colon), path: argument.slice(colon + 1) };
}

/** The path without needless parts; an ending in `/` or `/.` stays, because it says that a directory is meant. */
export function absolutePath(given: string): string {
  const clean = path.resolve(given);
  if (meansContent(given)) return clean === '/' ? '/.' : `${clean}/.`;
  return given.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

/** Folder and last name; the name is `.` where the content of a directory is meant. */
export function splitPath(given: string): { folder: string; base: string } {
  const clean = path.posix.normalize(given === '' ? '.' : given).replace(/(.)\/$/, '$1');
  if (meansContent(given)) return { folder: clean, base: '.' };
  return {
    folder: path.posix.dirname(clean),
    base: clean === '/' ? '/' : path.posix.basename(clean),
  };
}

/** `.`, `a/.`, and nothing at all. */
function meansContent(given: string): boolean {
  return given === '' || path.posix.basename(given.replace(/(.)\/+$/, '$1')) === '.';
}

/** Where a followed link leads, as the source of a copy that keeps the name that was asked for. */
export function followedLink(asked: string, target: string): { path: string; rebaseName?: string } {
  let resolved = target;
  if (meansContent(asked) && !meansContent(resolved)) resolved += '/.';
  if (asked.endsWith('/') && !resolved.endsWith('/')) resolved += '/';
  const [askedBase, base] = [baseOf(asked), baseOf(resolved)];
  return askedBase === base ? { path: resolved } : { path: resolved, rebaseName: askedBase };
}

function baseOf(given: string): string {
  return path.posix.basename(given.replace(/(.)\/+$/, '$1'));
}

/** Throws invalid_argument, in docker's words, for what cannot be copied there. */
export function planCopy(source: CopyPlace, target: CopyPlace): CopyPlan {
  if (target.exists && target.isDirectory) {
    const { base } = splitPath(source.path);
    const { rebaseName } = source;
    return {
      folder: target.path,
      rename: rebaseName === undefined ? undefined : { from: base, to: rebaseName },
    };
  }
  if (target.exists && source.isDirectory) throw invalid('cannot copy directory');
  const assertsDirectory = target.path.endsWith('/') || meansContent(target.path);
  if (!target.exists && !source.isDirectory && assertsDirectory) {
    throw invalid('no such directory');
  }
  const { folder, base: to } = splitPath(target.path);
  return { folder, rename: { from: splitPath(source.path).base, to } };
}

function invalid(reason: string): StackError {
  return new StackError('invalid_argument', reason);
}
