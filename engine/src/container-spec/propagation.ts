/** Whether mounts can propagate between a source on the host and a container. */
import fs from 'node:fs';
import { mountOf, readMounts } from '#lib/mounts/mountinfo';
import { StackError } from '#spec/errors';
import type { BindMount } from './container-mount.ts';

/** Throws invalid_argument, in docker's words, when the mount that the source lies on does not take part. */
export function checkPropagation({ source, propagation }: BindMount): void {
  if (propagation.endsWith('private')) return;
  const mount = mountOf(readMounts(), fs.realpathSync(source));
  const takesPart = (word: string): boolean =>
    mount?.propagation.some((field) => field.startsWith(`${word}:`)) ?? false;
  const shared = propagation.endsWith('shared');
  if (takesPart('shared') || (!shared && takesPart('master'))) return;
  throw new StackError(
    'invalid_argument',
    `path ${source} is mounted on ${mount?.mountPoint ?? '/'} but it is not a ${shared ? 'shared' : 'shared or slave'} mount`,
  );
}
