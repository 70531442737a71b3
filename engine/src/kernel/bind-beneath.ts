/** Mounting a part of a folder that others may write to: what is opened once is what is mounted. */
import fs from 'node:fs';
import {
  AT_FDCWD,
  close,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  openat,
  openat2,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
} from '#lib/sys/file';
import { mountFlags } from '#lib/sys/flags';
import { mount } from '#lib/sys/mount';
import { errorCode, messageOf, StackError } from '#spec/errors';
import type { Host } from './host.ts';

export interface BindBeneath {
  readonly folder: string;
  /** Relative; links in it are followed as long as they stay below `folder`. */
  readonly subpath: string;
  /** Made for it: a folder or an empty file, as the source is. Nobody else may write there. */
  readonly target: string;
}

/** Throws not_found for what is not there, invalid_argument for what leads out of the folder. */
export function bindBeneath(_host: Host, { folder, subpath, target }: BindBeneath): void {
  const source = openBeneath(folder, subpath);
  try {
    const from = `/proc/self/fd/${source}`;
    if (fs.statSync(from).isDirectory()) fs.mkdirSync(target, { recursive: true });
    else fs.writeFileSync(target, '');
    mount({ source: from, target, flags: mountFlags.MS_BIND | mountFlags.MS_REC });
  } finally {
    close(source);
  }
}

/** A descriptor of `subpath` below `folder`, for its path alone. Throws as {@link bindBeneath}. */
export function openBeneath(folder: string, subpath: string): number {
  const base = openat(AT_FDCWD, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  try {
    return openat2(base, subpath, {
      flags: O_PATH | O_CLOEXEC,
      resolve: RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    });
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (code === 'EXDEV') {
      throw new StackError(
        'invalid_argument',
        `path concatenation escapes the base directory, base: "${folder}", subpath: "${subpath}"`,
        { cause: error },
      );
    }
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(code)) {
      throw new StackError(
        'not_found',
        `cannot access path "${folder}/${subpath}": ${messageOf(error)}`,
        { cause: error },
      );
    }
    throw error;
  } finally {
    close(base);
  }
}
