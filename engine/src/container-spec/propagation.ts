/** Whether mounts can propagate between a source on the host and a container. */
import fs from 'node:fs';
import { mountOf, readMounts } from '#lib/mounts/mountinfo';
import { StackError } from '#spec/errors';
import type { BindMount } from './container-mount.ts';

/**
 * The mount as a container gets it: where the engine's own folder is part of what it shows, mounts that come and go
 * there must go in the container, too, or they could not be taken back. Throws invalid_argument for a choice that
 * would keep them.
 */
export function besideDataRoot(mount: BindMount, dataRoot: string): BindMount {
  const { source, propagation, byDefault = false } = mount;
  if (!isWithin(source, dataRoot) && !isWithin(dataRoot, source)) return mount;
  if (byDefault) return { ...mount, propagation: 'rslave' };
  if (propagation === 'rslave' || propagation === 'rshared') return mount;
  throw new StackError(
    'invalid_argument',
    `invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, daemon root: "${dataRoot}", bind mount source: "${source}", propagation: "${propagation}"`,
  );
}

function isWithin(folder: string, file: string): boolean {
  return folder === '/' || file === folder || file.startsWith(`${folder}/`);
}

/** What the kernel can do of a propagation that nobody chose. */
export function possiblePropagation(mount: BindMount): BindMount {
  if (!mount.byDefault || mount.propagation === 'rprivate') return mount;
  return takesPart(mount) ? mount : { ...mount, propagation: 'rprivate' };
}

/** Throws invalid_argument, in docker's words, when the mount that the source lies on does not take part. */
export function checkPropagation(mount: BindMount): void {
  if (mount.byDefault || takesPart(mount)) return;
  const { source, propagation } = mount;
  const place = mountOf(readMounts(), fs.realpathSync(source))?.mountPoint ?? '/';
  throw new StackError(
    'invalid_argument',
    `path ${source} is mounted on ${place} but it is not a ${propagation.endsWith('shared') ? 'shared' : 'shared or slave'} mount`,
  );
}

function takesPart({ source, propagation }: BindMount): boolean {
  if (propagation.endsWith('private')) return true;
  const fields = fs.existsSync(source)
    ? (mountOf(readMounts(), fs.realpathSync(source))?.propagation ?? [])
    : [];
  const has = (word: string): boolean => fields.some((field) => field.startsWith(`${word}:`));
  return has('shared') || (propagation.endsWith('slave') && has('master'));
}
