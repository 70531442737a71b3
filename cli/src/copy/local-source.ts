/** The side of a copy that is read from this machine: what is there, and an archive of it. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError, errorCode, messageOf } from '#spec/errors';
import { LayerArchive } from '#lib/pack/layer-archive';
import { contentOf, namedIn } from '#lib/pack/whole-tree';
import { followedLink, splitPath, type CopyPlace } from './copy-path.ts';

/** What lies at an absolute path. A link itself, unless `followLink` or the path says that a directory is meant. */
export function localSource(given: string, followLink: boolean): CopyPlace {
  try {
    const found = followLink
      ? followedLink(given, fs.realpathSync(given))
      : { path: withRealFolder(given) };
    const status = fs.lstatSync(found.path);
    // A trailing slash has led through a link: the copy keeps the link's name.
    const base = path.basename(given);
    const isOther = given.endsWith('/') && base !== path.basename(found.path);
    return {
      exists: true,
      isDirectory: status.isDirectory(),
      ...found,
      ...(isOther && { rebaseName: base }),
    };
  } catch (error) {
    throw readingFailed(given, error);
  }
}

function withRealFolder(given: string): string {
  if (given.endsWith('/')) return `${fs.realpathSync(given)}/`;
  return path.join(fs.realpathSync(path.dirname(given)), path.basename(given)) + ending(given);
}

/** path.join takes the dot away that says: the content. */
function ending(given: string): string {
  return given.endsWith('/.') ? '/.' : '';
}

function readingFailed(given: string, error: unknown): StackError {
  const code = errorCode(error);
  const reason =
    code === 'ENOENT'
      ? `lstat ${given}: no such file or directory`
      : code === 'ENOTDIR'
        ? 'not a directory'
        : `lstat ${given}: ${messageOf(error)}`;
  return new StackError('invalid_argument', reason, { cause: error });
}

/** The archive of `source`, under its own last name, or `./` for the content of a directory. */
export function* archiveOf(
  source: CopyPlace,
  { onWarning }: { onWarning: (warning: string) => void },
): Generator<Buffer> {
  const { folder, base } = splitPath(source.path);
  const archive = new LayerArchive();
  const missing = `lstat ${folder}/${base}: no such file or directory`;
  const changes =
    base === '.' || base === '/'
      ? contentOf(folder, { itself: true })
      : namedIn(folder, base, new StackError('not_found', missing));
  for (const change of changes) yield* archive.add(change);
  yield archive.end();
  archive.warnings.forEach(onWarning);
}
