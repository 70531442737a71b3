/** `--ulimit` as the process's resource limits. */
import { StackError } from '#spec/errors';
import type { Rlimit } from '#spec/oci/process';
import { rlimitNames } from '#spec/rlimits';
import type { Ulimit } from '../api/resource-config.ts';

/** `nofile` becomes RLIMIT_NOFILE; -1 is no limit. Throws invalid_argument. */
export function processRlimits(ulimits: readonly Ulimit[]): Rlimit[] {
  return ulimits.map(({ Name: name, Soft: soft, Hard: hard }) => {
    const type = rlimitNames.find((known) => known === `RLIMIT_${name.toUpperCase()}`);
    if (!type) throw invalid(`invalid ulimit type: ${name}`);
    if (hard !== -1 && (soft === -1 || soft > hard)) {
      throw invalid(
        `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`,
      );
    }
    return { type, soft: unlimited(soft), hard: unlimited(hard) };
  });
}

/** RLIM_INFINITY, as JSON writes it; see rlimitValue() of #spec/rlimits. */
function unlimited(limit: number): number {
  return limit === -1 ? 2 ** 64 : limit;
}

function invalid(message: string): StackError {
  return new StackError('invalid_argument', message);
}
