/** prctl(2): attributes of the calling process. */
import { prctlOptions } from './flags.ts';
import { check, libcFunction } from './libc.ts';

const prctlCall = libcFunction(
  'int prctl(int option, unsigned long, unsigned long, unsigned long, unsigned long)',
);

/** Orphans below this process become its children instead of init's. */
export function setChildSubreaper(): void {
  check(
    prctlCall(prctlOptions.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0),
    'prctl',
    'PR_SET_CHILD_SUBREAPER',
  );
}
