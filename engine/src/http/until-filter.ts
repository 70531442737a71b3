/** The filter `until` of prune: things made later stay. */
import { StackError } from '#spec/errors';
import { parsePointInTime } from './point-in-time.ts';
import type { Filters } from './query.ts';

/** The moment that is meant, in milliseconds since 1970; undefined without the filter. Throws invalid_argument. */
export function untilFilter(filters: Filters, now = Date.now()): number | undefined {
  const [text, ...more] = filters.get('until') ?? [];
  if (text === undefined) return undefined;
  if (more.length > 0) {
    throw new StackError('invalid_argument', 'more than one until filter specified');
  }
  return parsePointInTime(text, now);
}
